// SPDX-License-Identifier: MIT
// The native side of the comparison: the command `skep`, as some build left it.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../browser/site.ts';

/** The scenes and their entities: more than one block, where that is what tasks are made of. */
export const SCENES: Readonly<Record<string, number>> = {
  physics: 3000,
  flock: 1100,
  collide: 1100,
  bullets: 1200,
  skies: 700,
};
export const FRAMES = 1000;

/** The address of a scene's wasm file on disk. */
export function wasmFile(scene: string): string {
  return join(ROOT, 'build/wasm', `${scene}.wasm`);
}

/** The command: SKEP_BIN, or that of the first preset that was built. */
export function command(): string {
  const builds = ['dev', 'release', 'clang', 'asan', 'tsan'];
  const candidates = [process.env['SKEP_BIN'], ...builds.map(b => join(ROOT, 'build', b, 'skep'))];
  const found = candidates.find(path => path !== undefined && existsSync(path));
  if (found) return found;
  throw new Error(
    'the native command is not built: cmake --preset dev && cmake --build build/dev --target '
      + 'skep_cli, or name it by SKEP_BIN',
  );
}

/** The hash that a native run ends with. `workers` beside the caller. */
export async function nativeHash(
  scene: string,
  run: { entities: number; frames: number; workers: number; seed?: number },
): Promise<string> {
  const options = {
    frames: run.frames,
    entities: run.entities,
    workers: run.workers,
    seed: run.seed ?? 1,
    grain: 0,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { stdout } = await promisify(execFile)(command(), ['run', scene, '--json', ...args]);
  return (JSON.parse(stdout.trim().split('\n').at(-1)!) as { hash: string }).hash;
}
