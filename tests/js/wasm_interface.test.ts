// SPDX-License-Identifier: MIT
// ctest: timeout=300
// What the wasm files take and give, compared with a list that is checked in: a name that comes or
// goes is a change of the interface between wasm and JavaScript, and of what a host must bring.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './browser/harness.ts';
import { INTERFACE } from '../../js/dist/core/layout.js';
import { linkScene, temporary } from './support/scenes.ts';

const LIST = join(ROOT, 'tests/js/wasm_interface.txt');
const UPDATE = 'SKEP_UPDATE=1 tools/js_test.sh wasm_interface';
const HEAD = `# What the wasm files import and export; see wasm_interface.test.ts. After a change:
#     ${UPDATE}
# When JavaScript and an older file would misunderstand one another, also raise HOST_INTERFACE
# (wasm/host.h) and INTERFACE (js/src/core/layout.ts).
`;
const folder = temporary();

function lines(bytes: Uint8Array<ArrayBuffer>): string[] {
  const module = new WebAssembly.Module(bytes);
  return [
    ...WebAssembly.Module.imports(module).map(i => `import ${i.kind} ${i.module}.${i.name}`),
    ...WebAssembly.Module.exports(module).map(e => `export ${e.kind} ${e.name}`),
  ].sort();
}

const read = (path: string): Uint8Array<ArrayBuffer> => Uint8Array.from(readFileSync(path));
const core = lines(read(join(ROOT, 'build/wasm/core.wasm')));
const live = lines(read(join(ROOT, 'build/wasm/live.wasm')));
const view = lines(read(join(ROOT, 'build/wasm/view.wasm')));
const scene = lines(read(linkScene(folder, 'deep')));
const debug = lines(read(linkScene(folder, 'deep', '--debug')));

function found(): string {
  const more = (all: readonly string[], than: readonly string[]): string[] =>
    all.filter(line => !than.includes(line));
  const parts: [string, readonly string[]][] = [
    ['core.wasm', core],
    ['live.wasm, beside that', more(live, core)],
    ['view.wasm', view],
    ['a scene, beside that', more(scene, live)],
    ['a scene with --debug, beside that', more(debug, scene)],
  ];
  return HEAD + parts.map(([name, all]) => `\n[${name}]\n${all.join('\n')}\n`).join('');
}

test('imports and exports are those of wasm_interface.txt', () => {
  const text = found();
  if (process.env['SKEP_UPDATE']) writeFileSync(LIST, text);
  const listed = readFileSync(LIST, 'utf8');
  if (listed === text) return;
  const [was, is] = [listed.split('\n'), text.split('\n')];
  const difference = [
    ...was.filter(line => !is.includes(line)).map(line => `- ${line}`),
    ...is.filter(line => !was.includes(line)).map(line => `+ ${line}`),
  ];
  assert.fail(
    `the wasm files differ from tests/js/wasm_interface.txt:\n${difference.join('\n')}\n`
      + `If that is meant: ${UPDATE}`,
  );
});

test('a host brings a memory and three functions, and nothing else; of views a memory', () => {
  for (const all of [core, live, scene, debug]) {
    assert.deepEqual(
      all.filter(line => line.startsWith('import')),
      [
        'import function env.clock',
        'import function env.guard',
        'import function env.job',
        'import memory env.memory',
      ],
    );
  }
  assert.deepEqual(
    view.filter(line => line.startsWith('import')),
    ['import memory env.memory'],
  );
});

test('all that the cores export, a scene exports too', () => {
  assert.deepEqual(
    core.filter(line => !live.includes(line)),
    [],
  );
  assert.deepEqual(
    live.filter(line => !scene.includes(line)),
    [],
  );
  assert.deepEqual(
    view.filter(line => !live.includes(line)),
    [],
  );
  assert.ok(scene.includes(`export function skep_interface_${INTERFACE}`));
});

test('JavaScript calls every export, and none that is not there', () => {
  const dist = join(ROOT, 'js/dist');
  const text = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.js') && !path.includes('embedded'))
    .map(path => readFileSync(join(dist, path), 'utf8'))
    .join('\n');
  const exported = debug
    .filter(line => line.startsWith('export function'))
    .map(line => line.split(' ')[2]!);
  const idle = exported.filter(
    name => !/^skep_interface_\d+$/.test(name) && !text.includes(`'${name}'`),
  );
  assert.deepEqual(idle, [], 'exported for nobody');
  const called = new Set(text.match(/'skep_[a-z_]+'/g)?.map(name => name.slice(1, -1)));
  assert.ok(called.size > 30, `only ${called.size} calls were seen`);
  const missing = [...called].filter(name => !exported.includes(name));
  assert.deepEqual(missing, [], 'called, and nowhere exported');
});
