// SPDX-License-Identifier: MIT
// ctest: timeout=300
// The conformance suite of the native pools for the executors of JavaScript: the same jobs, batches
// and digests, compiled to wasm, on every executor in Node and once in each browser.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT } from './browser/site.ts';
import { Lab, type LabPlace } from './conformance/driver.ts';

function moduleOf(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(ROOT, 'build/wasm/tests', `${name}.wasm`)));
}

const PLACES: readonly LabPlace[] = [
  { kind: 'local', workers: 0 },
  { kind: 'shared', workers: 1 },
  { kind: 'shared', workers: 2 },
  { kind: 'shared', workers: 4 },
  { kind: 'copied', workers: 1 },
  { kind: 'copied', workers: 2 },
];

// Cases of conformance.c that are not in the laboratory's list, and why.
const ELSEWHERE: Readonly<Record<string, string>> = {
  durations: 'wasm has no clock',
  wait_in_steps: 'every wait here is one step, and looks at what was delivered',
  create_and_destroy: 'below, since JavaScript makes the workers',
  destroy_asleep_and_busy: 'below, since JavaScript makes the workers',
};

test('every native case is here', async () => {
  const text = readFileSync(join(ROOT, 'tests/conformance/conformance.c'), 'utf8');
  const native = [...text.matchAll(/cmocka_unit_test\(test_(\w+)\)/g)].map(match => match[1]!);
  assert.ok(native.length > 20, `only ${native.length} cases were found`);
  const lab = await Lab.open(moduleOf('conformance'), PLACES[0]!);
  const here = new Set([...lab.names(), ...Object.keys(ELSEWHERE)]);
  assert.deepEqual(
    native.filter(name => !here.has(name)),
    [],
  );
});

for (const [name, what, places] of [
  ['conformance', 'as it is shipped', PLACES],
  ['conformance_debug', 'with asserts', PLACES.filter(place => place.workers !== 1)],
] as const) {
  const module = moduleOf(name);
  for (const place of places) {
    describe(`${what}: ${place.kind}, ${place.workers} workers`, () => {
      let lab: Lab;
      before(async () => {
        lab = await Lab.open(module, place);
      });
      after(() => lab.stop());

      test('all cases', async () => {
        for (const [number, title] of lab.names().entries()) {
          await lab.check(number).catch((error: unknown) => assert.fail(`${title}: ${error}`));
        }
      });
    });
  }
}

for (const kind of ['shared', 'copied'] as const) {
  describe(`lives: ${kind}`, () => {
    const module = moduleOf('conformance_debug');

    test('workers are made and ended, used once or never', async () => {
      const lab = await Lab.open(module, { kind, workers: 2 });
      for (let life = 0; life < 4; life++) {
        if (life % 2) await lab.check(0);
        await lab.stop();
        await lab.start();
      }
      await lab.check(0);
      await lab.stop();
    });

    test('ended asleep, and with a batch that nobody waited for', async () => {
      const lab = await Lab.open(module, { kind, workers: 2 });
      const number = lab.names().indexOf('no_allocation');
      for (let life = 0; life < 3; life++) {
        await lab.check(0);
        await new Promise(resolve => setTimeout(resolve, 5));
        await lab.stop();
        await lab.start();
        await lab.abandon(number);
        await lab.start();
      }
      await lab.check(0);
      await lab.stop();
    });
  });
}
