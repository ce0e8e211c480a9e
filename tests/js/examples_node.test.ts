// SPDX-License-Identifier: MIT
// ctest: timeout=180
// The examples for Node, as a user runs them: node-physics on each executor, with one hash, and as
// a server that is ended by a signal; beside-bitecs over the arrays of another library's world.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { test } from 'node:test';
import { connect } from 'skep/client';

const ROOT = resolve(import.meta.dirname, '../..');
const PHYSICS = join(ROOT, 'examples/node-physics/main.js');
const BITECS = join(ROOT, 'examples/beside-bitecs/main.js');

function run(node: string, ...args: readonly string[]): string {
  const done = spawnSync(node, args, { encoding: 'utf8', timeout: 120_000, killSignal: 'SIGKILL' });
  const said = `${args.join(' ')}: ${done.error?.message ?? `exit ${done.status ?? done.signal}`}`;
  assert.equal(done.status, 0, `${said}\n${done.stdout}${done.stderr}`);
  assert.equal(done.stderr, '', said);
  return done.stdout;
}

/** Another Node than the pinned one, where there is one that the package is for. */
function olderNode(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map(folder => join(folder, 'node'))
    .filter(path => !path.includes('node_modules') && existsSync(path))
    .find(path => {
      const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '';
      const [, major, minor] = (/^v(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
      return major! > 20 || (major === 20 && minor! >= 16);
    });
}

const FRAMES = ['--frames', '150', '--balls', '5000'];

test('node-physics: the same hash on each executor, and what it says of itself', () => {
  const out = (executor: string, workers: number): string =>
    run(process.execPath, PHYSICS, ...FRAMES, '--executor', executor, '--workers', `${workers}`);
  const hashes = new Set<string>();
  for (const [executor, workers] of [
    ['local', 1],
    ['node', 1],
    ['node', 2],
    ['copied', 2],
    ['auto', 2],
  ] as const) {
    const text = out(executor, workers);
    const kind = executor === 'auto' ? 'node' : executor;
    const count = executor === 'local' ? 0 : workers;
    assert.match(text, new RegExp(`^5000 balls, executor ${kind}, workers ${count}\n`));
    assert.match(text, /\n {3}1 s {2}mean height \d+\.\d\d m, highest \d+\.\d\d m\n/);
    hashes.add(/\nhash ([0-9a-f]{16})\n$/.exec(text)?.[1] ?? text);
  }
  assert.equal(hashes.size, 1, [...hashes].join(' '));
});

test('node-physics: as a server, ended by a signal', async () => {
  const child = spawn(process.execPath, [PHYSICS, '--balls', '1000'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errors = '';
  child.stderr.on('data', chunk => (errors += String(chunk)));
  const ended = once(child, 'exit');
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (/ 1 s /.test(text) && !child.killed) child.kill('SIGINT');
  }
  assert.deepEqual(await ended, [0, null], text + errors);
  const [, frames] = /\n(\d+) frames, \d+ asked for while one ran\n$/.exec(text) ?? [];
  assert.ok(Number(frames) >= 60, text);
  assert.equal(errors, '');
});

test('node-server: serves its page and its world, and ends by a signal', async () => {
  const server = join(ROOT, 'examples/node-server/server.js');
  const child = spawn(process.execPath, [server, '--port', '0', '--balls', '500'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errors = '';
  child.stderr.on('data', chunk => (errors += String(chunk)));
  const ended = once(child, 'exit');
  for await (const chunk of child.stdout) {
    text += String(chunk);
    const url = /http:\/\/localhost:\d+\//.exec(text)?.[0];
    if (!url || child.killed) continue;
    for (const path of ['', 'page.js', 'physics.js', 'style.css', 'skep/client.js']) {
      assert.equal((await fetch(new URL(path, url))).status, 200, path);
    }
    assert.equal((await fetch(new URL('package.json', url))).status, 404);
    const live = await connect(new URL('world', url.replace('http', 'ws')));
    const before = live.stats().states;
    while (live.stats().states < before + 5) await new Promise(next => setTimeout(next, 20));
    live.frame();
    assert.equal(live.stats().entities, 501);
    live.dispose();
    child.kill('SIGINT');
  }
  assert.deepEqual(await ended, [0, null], text + errors);
  assert.match(text, /^500 balls on node, \d+ workers?\n/);
  assert.equal(errors, '');
});

test('beside-bitecs: moves its arrays, and a job that fails changes none', () => {
  const text = run(process.execPath, BITECS, '60');
  assert.match(text, /^pool: node, \d+ workers?\n49900 birds, /);
  assert.match(text, /\nJobError, block 0: Cannot read properties of undefined .*'pull'/);
  assert.match(text, /\narrays as before: true\n/);
});

test('both on another Node, where there is one', t => {
  const node = olderNode();
  if (!node) return t.skip('there is no other Node of 20.16 or later');
  const ours = run(process.execPath, PHYSICS, ...FRAMES);
  const theirs = run(node, PHYSICS, ...FRAMES);
  const hash = /hash .*/;
  assert.equal(hash.exec(theirs)?.[0], hash.exec(ours)?.[0]);
  assert.match(run(node, BITECS, '10'), /arrays as before: true/);
});
