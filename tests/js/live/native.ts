// SPDX-License-Identifier: MIT
// The command `skep serve` as a server of the pond: another process, another WebSocket library,
// another compiler, one protocol.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../browser/site.ts';
import type { ServePond } from './pond.ts';

/** The command, where one was built that can serve. */
export function skepCommand(): string | undefined {
  return [
    process.env['SKEP_BIN'],
    join(ROOT, 'build/dev/skep'),
    join(ROOT, 'build/release/skep'),
  ].find(path => {
    if (!path || !existsSync(path)) return false;
    return spawnSync(path, ['serve', '--help'], { encoding: 'utf8' }).stdout.includes('--token');
  });
}

/** Compiles the pond, by the flags of cmake/skep_add_scene.cmake. */
export function buildPond(folder: string): string {
  const module = join(folder, 'pond.so');
  const flags = ['-std=c17', '-O2', '-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math'];
  const how = ['-fPIC', '-shared', '-fvisibility=hidden', '-Iinclude'];
  const done = spawnSync('cc', [...flags, ...how, 'tests/js/scenes/pond.c', '-o', module], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (done.status !== 0) throw new Error(`cc pond.c: ${done.stderr}`);
  return module;
}

/** Serves it. */
export function serveNatively(command: string, module: string): ServePond {
  return async ({ ducks = 200, every = 3, token, port = 0, limits = {}, origins } = {}) => {
    const options = ['--port', `${port}`, '--every', `${every}`, '--param', `ducks=${ducks}`];
    if (token !== undefined) options.push('--token', token);
    if (origins) options.push('--origin', origins.join());
    const { connectionsPerAddress } = limits;
    if (connectionsPerAddress) options.push('--limits', `address_max=${connectionsPerAddress}`);
    const child = spawn(command, ['serve', module, '--executor', 'local', ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    const at = new Promise<number>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        said += String(chunk);
        const found = /https?:\/\/[\w.]+:(\d+)/.exec(said)?.[1];
        if (found) resolve(Number(found));
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.on('exit', code => reject(new Error(`skep serve: exit ${code}\n${said}`)));
    });
    const ended = once(child, 'exit');
    const listening = await at;
    return {
      url: `ws://127.0.0.1:${listening}/world`,
      port: listening,
      stop: async () => {
        child.kill('SIGINT');
        await ended;
      },
    };
  };
}
