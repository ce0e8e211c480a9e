// SPDX-License-Identifier: MIT
// ctest: timeout=300
// C scenes that cannot be had: mistakes are shown all at once, traps in the scene's function end as
// one of them, and files that are no scenes of this version are refused before anything runs.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { before, test } from 'node:test';
import { loadScene, ParallelScheduler, PlanError, SkepError, World } from 'skep';
import { INTERFACE } from '../../js/dist/core/layout.js';
import { ROOT } from './browser/harness.ts';
import { linkScene, NODE_EXECUTORS, Run, skepWasm, temporary } from './support/scenes.ts';

const folder = temporary();
let wrong: string;
let debug: string;
before(() => {
  wrong = linkScene(folder, 'wrong');
  debug = linkScene(folder, 'wrong', '--debug');
});

/** Adds the scene; returns the PlanError that this must throw. */
async function refused(
  params: Readonly<Record<string, string | number>>,
  data?: string,
): Promise<PlanError> {
  await using run = new Run({ executor: 'local' });
  const scene = await loadScene(wrong);
  let thrown: unknown;
  try {
    run.scheduler.addScene(scene, params, data);
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof PlanError, `it threw ${String(thrown)}`);
  assert.equal(thrown.code, 'E_PLAN');
  assert.deepEqual(run.lines, [], 'the mistakes went into the log as well');
  return thrown;
}

test('all mistakes at once', async () => {
  const { message, mistakes } = await refused({ how: 'mistakes', entitys: 3 });
  assert.equal(
    message,
    'wrong: 3 mistakes, nothing was run\n'
      + '  parameter "entitys": the scene has none of this name (did you mean "entities"?)\n'
      + '  system "hurt": after "shot": there is no such system (did you mean "shoot"?)\n'
      + '  system "flock": Vel is both `in` and `mut`; `mut` already holds the old values',
  );
  assert.deepEqual(mistakes, message.split('\n'));
});

test('a scene that gets no memory says so beside its other mistakes', async () => {
  const { message } = await refused({ how: 'memory' });
  assert.match(message, /^wrong: 3 mistakes, nothing was run\n/);
  assert.match(message, /there is no such system \(did you mean "shoot"\?\)/);
  assert.match(message, /out of memory: 1073741824 bytes for building the scene/);
});

test("a trap in the scene's function is a mistake", async () => {
  const error = await refused({ how: 'trap' });
  assert.match(error.message, /^wrong: 2 mistakes, nothing was run\n {2}said before the trap\n/);
  assert.match(error.message, /the scene's function: RuntimeError: divide by zero/);
  assert.ok(error.cause instanceof WebAssembly.RuntimeError);
});

test("the host's data reach the scene", async () => {
  assert.match((await refused({ how: 'data' })).message, /no data/);
  assert.match((await refused({ how: 'data' }, 'two words')).message, /9 bytes: two words/);
});

test('after a mistake another world takes the same scene', async () => {
  await refused({ how: 'trap' });
  await using run = await Run.open(wrong, { executor: 'local' }, { entities: 7 });
  await run.frames(1);
  assert.equal(run.world.size, 7);
  run.sound();
});

for (const executor of Object.keys(NODE_EXECUTORS)) {
  test(`a debug library says which assertion failed: ${executor}`, async () => {
    await using run = await Run.open(debug, NODE_EXECUTORS[executor]!, { how: 'peek' });
    await run.frames(2);
    assert.equal(run.faults.length, 2);
    for (const fault of run.faults) {
      assert.equal(fault.system, 'peek');
      assert.match(fault.message, /assertion failed: same \(query\.c:\d+\)/);
    }
  });
}

// ---- files that are refused ---------------------------------------------------------------------

async function rejected(source: string | URL | Uint8Array, text: RegExp): Promise<SkepError> {
  let thrown: unknown;
  await loadScene(source).catch((error: unknown) => (thrown = error));
  assert.ok(thrown instanceof SkepError, `it rejected with ${String(thrown)}`);
  assert.equal(thrown.code, 'E_MODULE');
  assert.match(thrown.message, text);
  return thrown;
}

test('what is no wasm file', async () => {
  const text = join(folder, 'text.wasm');
  writeFileSync(text, 'export const a = 1;');
  const error = await rejected(text, /text\.wasm: this is no wasm file/);
  assert.match(error.hint ?? '', /npx skep-wasm own\.c -o own\.wasm/);
  await rejected(pathToFileURL(text), /^file:.*text\.wasm: this is no wasm file/);
  await rejected(new Uint8Array(0), /this is no wasm file/);
  const missing = await rejected(join(folder, 'missing.wasm'), /missing\.wasm: .*ENOENT/);
  assert.equal((missing.cause as NodeJS.ErrnoException).code, 'ENOENT');
});

test('a wasm file that is cut', async () => {
  const error = await rejected(readFileSync(wrong).subarray(0, 20_000), /cannot be compiled/);
  assert.ok(error.cause instanceof WebAssembly.CompileError);
});

test('a wasm file of somebody else', async () => {
  // (module (import "wasi" "write" (func)))
  const text = '0061736d01000000010401600000020e01047761736905777269746500' + '00';
  await rejected(Buffer.from(text, 'hex'), /not made by skep: it imports wasi\.write/);
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  await rejected(empty, /this wasm file was not made by skep$/);
});

test('a core without a scene', async () => {
  await rejected(join(ROOT, 'build/wasm/core.wasm'), /this wasm file has no scene/);
});

test('a scene that another version of the library was linked with', async () => {
  const bytes = readFileSync(wrong);
  const at = bytes.indexOf(`skep_interface_${INTERFACE}`);
  assert.ok(at > 0);
  bytes.write('skep_interface_9', at);
  const error = await rejected(
    bytes,
    new RegExp(`version 9 of the interface .* this is version ${INTERFACE}`),
  );
  assert.match(error.hint ?? '', /link it again/);
});

test('a scene that was compiled with other headers', async () => {
  const source = join(folder, 'old.c');
  const scene =
    '#include "skep/scene.h"\n#undef SKEP_ABI\n#define SKEP_ABI 7u\n'
    + 'SKEP_SCENE(old, "of another time") {}\n';
  writeFileSync(source, scene);
  const output = join(folder, 'old.wasm');
  const said = skepWasm([source, '-o', output]);
  assert.equal(said.status, 0, said.stderr);
  const scheduler = new ParallelScheduler(new World({ memoryMax: 64 << 20 }));
  const loaded = await loadScene(output);
  assert.throws(() => scheduler.addScene(loaded), {
    code: 'E_MODULE',
    message: /scene old: built against version 7 of the scene interface, this is version 1/,
  });
  await scheduler.close();
});
