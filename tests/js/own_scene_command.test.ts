// SPDX-License-Identifier: MIT
// ctest: timeout=300
// skep-wasm: what it refuses, what it says when something is missing, and the files that it takes.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { loadScene } from 'skep';
import { ROOT } from './browser/harness.ts';
import { Run, skepWasm, temporary, type Said } from './support/scenes.ts';

const folder = temporary();
const SCENE = `#include "skep/scene.h"
SKEP_COMPONENT(Pos, (f32, x));
SKEP_JOB(move, (mut, Pos, pos)) { SKEP_ROWS (i, task) c->pos.x[i] += task->dt; }
SKEP_SCENE(tiny, "one entity moves")
{
    skep_add(b, "update", &move);
    skep_create(b, SKEP_WITH(Pos, 1.0f));
}
`;

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

let tiny: string;
before(() => {
  tiny = file('tiny.c', SCENE);
});

const output = join(folder, 'out.wasm');
function link(...args: readonly string[]): Said {
  return skepWasm([...args, '-o', output]);
}

function fails(said: Said, text: RegExp): void {
  assert.equal(said.status, 1, `exit ${said.status}: ${said.stderr}`);
  assert.match(said.stderr, text);
  assert.doesNotMatch(said.stderr, /^\s+at /m, 'a stack trace');
}

/** Runs a frame of what was linked. */
async function runs(path = output): Promise<void> {
  await using run = await Run.open(path, { executor: 'local' });
  await run.frames(1);
  run.sound();
  assert.ok(run.world.size > 0);
}

test("the command's own types", () => {
  const names = ['skep_wasm', 'stack_checks', 'wasm_tools'].map(name => `js/bin/${name}.mjs`);
  const options = ['--allowJs', '--checkJs', '--noEmit', '--strict', '--noUncheckedIndexedAccess'];
  const done = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      ...options,
      '--target',
      'es2023',
      '--module',
      'nodenext',
      '--types',
      'node',
      '--skipLibCheck',
      ...names,
    ],
    { cwd: ROOT, encoding: 'utf8' },
  );
  assert.equal(done.status, 0, done.stdout + done.stderr);
});

test('--help, --version, --flags', () => {
  const help = skepWasm(['--help']);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /npx skep-wasm own\.c -o own\.wasm/);
  assert.match(skepWasm(['--version']).stdout, /^skep-wasm \d+\.\d+\.\d+\n$/);
  const flags = skepWasm(['--flags']).stdout.split(' ');
  assert.ok(flags.includes('-ffp-contract=off') && flags.includes('-O3'), flags.join(' '));
});

test('flags that change what arithmetic gives are refused', () => {
  const bad = ['-ffast-math', '-Ofast', '-funsafe-math-optimizations', '-ffp-contract=fast'];
  for (const flag of [...bad, '-ffp-model=fast', '-mrelaxed-simd', '-mrecip=all']) {
    fails(link(tiny, flag), /has other bits than the same scene elsewhere/);
  }
  fails(link(tiny, '-Xclang', '-ffast-math'), /-ffast-math: a scene compiled with it/);
});

test('arguments', () => {
  fails(skepWasm([]), /no files are given/);
  fails(link(join(folder, 'none.c')), /there is no .*none\.c/);
  fails(skepWasm([tiny, '-o']), /-o needs a value/);
  fails(skepWasm([tiny, '-o', tiny]), /is a source/);
  assert.equal(readFileSync(tiny, 'utf8'), SCENE);
});

test('without clang, or with one that will not do', () => {
  const nothing = { PATH: join(folder, 'nowhere') };
  fails(
    skepWasm([tiny, '-o', output], nothing),
    /no clang 15 or newer[^]*apt-get install clang-19/,
  );
  fails(link(tiny, '--clang', join(folder, 'clang')), /clang: not found[^]*brew install llvm/);
  const fakes = join(folder, 'fakes');
  mkdirSync(fakes);
  const fake = (name: string, version: string, targets: string): string => {
    const path = join(fakes, name);
    const asked = `case "$1" in --print-targets) echo "${targets}" ;; *) echo "${version}" ;; esac`;
    writeFileSync(path, `#!/bin/sh\n${asked}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  fails(
    link(tiny, '--clang', fake('a', 'clang version 11.0.1', 'wasm32')),
    /version 11, 15 or newer/,
  );
  fails(link(tiny, '--clang', fake('b', 'clang version 18.1', 'x86')), /it has no wasm target/);
  fails(
    link(tiny, '--clang', fake('c', 'Apple clang version 17.0.0', 'wasm32')),
    /Apple's clang has no wasm target/,
  );
  fake('clang', 'clang version 19.1.0', 'wasm32');
  fake('wasm-ld', 'LLD 14.0.6', '');
  fails(
    skepWasm([tiny, '-o', output], { PATH: fakes }),
    /no wasm-ld of version 19 or newer was found[^]*version 14/,
  );
});

test('what is not in wasm is said, with what is there instead', () => {
  const header = file('header.c', `#include <stdio.h>\n${SCENE}`);
  fails(link(header), /no <stdio\.h> in wasm[^]*skep\/math\.h/);
  const call = file('call.c', `float sinf(float);\n${SCENE.replace('task->dt', 'sinf(task->dt)')}`);
  fails(link(call, '-fno-builtin'), /sinf is defined nowhere[^]*skep\/math\.h has sin/);
  fails(link(file('none.c', 'int a;\n')), /no file has a SKEP_SCENE/);
  const twice = file('twice.c', SCENE.replace('tiny', 'other'));
  fails(link(tiny, twice), /one SKEP_SCENE a wasm file/);
  fails(link(file('typo.c', SCENE.replace('pos.x', 'pos.z'))), /no member named 'z'/);
});

test('several files, objects, options of clang, --verbose', async () => {
  const part = file('part.c', 'float part(void);\nfloat part(void) { return STEP; }\n');
  const main = file('main.c', `float part(void);\n${SCENE.replace('task->dt', 'part()')}`);
  const said = link(main, part, '-DSTEP=2.5f', '-Werror', '--verbose', '-I', folder);
  assert.equal(said.status, 0, said.stderr);
  assert.match(said.stderr, /clang.* -DSTEP=2\.5f .*main\.c[^]*wasm-ld/);
  await runs();
});

test("static data of megabytes, and the world's memory too small for it", async () => {
  const large = file(
    'large.c',
    SCENE.replace('SKEP_SCENE', 'char large[40 << 20];\nSKEP_SCENE').replace(
      'skep_add',
      'large[1 << 20] = 1; skep_add',
    ),
  );
  const said = link(large);
  assert.equal(said.status, 0, said.stderr);
  await runs();
  const run = new Run({ executor: 'local' }, { memoryMax: 32 << 20 });
  const scene = await loadScene(output);
  assert.throws(() => run.scheduler.addScene(scene), { code: /E_NO_MEMORY|E_LIMIT/ });
  await run[Symbol.asyncDispose]();
});

test('C++ as far as it needs no library', async () => {
  const scene = file(
    'plus.cpp',
    SCENE.replace('task->dt', 'half(task->dt)').replace(
      'SKEP_JOB',
      'template <class T> static T half(T x) { return x / 2; }\nSKEP_JOB',
    ),
  );
  const said = link(scene);
  assert.equal(said.status, 0, said.stderr);
  await runs();
  const before =
    'struct A { A(); int a; };\nextern volatile int zero;\nA::A() : a(zero) {}\n'
    + 'A global;\nvolatile int zero;\n';
  const constructor = file(
    'constructor.cpp',
    SCENE.replace('task->dt', '(float)global.a').replace('SKEP_JOB', `${before}SKEP_JOB`),
  );
  fails(link(constructor), /runs code before the scene/);
});
