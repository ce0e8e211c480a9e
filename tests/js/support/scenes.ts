// SPDX-License-Identifier: MIT
// Scenes of tests/js/scenes, linked by the command that users have, each into a folder of its own
// that is gone when the test file ends.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import {
  loadScene,
  ParallelScheduler,
  World,
  type JobError,
  type Scene,
  type SchedulerOptions,
  type WorldOptions,
} from 'skep';
import { ROOT } from '../browser/harness.ts';

const COMMAND = join(ROOT, 'js/bin/skep_wasm.mjs');

export interface Said {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs skep-wasm. */
export function skepWasm(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Said {
  const done = spawnSync(process.execPath, [COMMAND, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env,
    timeout: 240_000,
  });
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}

/** A folder for what a test file writes. To be called outside of tests and hooks. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'skep_scene_'));
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Links a file of tests/js/scenes; returns the wasm file's path. */
export function linkScene(folder: string, name: string, ...options: readonly string[]): string {
  const output = join(folder, `${name}${options.join('').replace(/\W/g, '_')}.wasm`);
  const done = skepWasm([`tests/js/scenes/${name}.c`, '-Werror', ...options, '-o', output]);
  if (done.status !== 0) throw new Error(`skep-wasm ${name}.c: ${done.stderr}`);
  return output;
}

/** The executors of Node, as options. */
export const NODE_EXECUTORS: Readonly<Record<string, SchedulerOptions>> = {
  local: { executor: 'local' },
  node: { executor: 'node', size: 2 },
  copied: { executor: 'copied', size: 2 },
};

const loaded = new Map<string, Promise<Scene>>();

/** A file's scene, compiled once. */
function sceneOf(path: string): Promise<Scene> {
  let scene = loaded.get(path);
  if (!scene) loaded.set(path, (scene = loadScene(path)));
  return scene;
}

/** A scene in a world of its own. */
export class Run {
  readonly world: World;
  readonly scheduler: ParallelScheduler;
  readonly faults: JobError[] = [];
  readonly lines: string[] = [];

  constructor(options: SchedulerOptions, world: WorldOptions = {}) {
    this.world = new World({ memoryMax: 64 << 20, limits: { entities: 5000 }, ...world });
    this.scheduler = new ParallelScheduler(this.world, {
      grain: 0,
      onFault: fault => this.faults.push(fault),
      log: (_level, text) => this.lines.push(text),
      onFallback: () => {},
      ...options,
    });
  }

  static async open(
    path: string,
    options: SchedulerOptions,
    params: Readonly<Record<string, string | number>> = {},
    world: WorldOptions = {},
  ): Promise<Run> {
    const run = new Run(options, world);
    try {
      run.scheduler.addScene(await sceneOf(path), params);
      await run.scheduler.initPool();
    } catch (error) {
      await run[Symbol.asyncDispose]();
      throw error;
    }
    return run;
  }

  async frames(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.scheduler.runFrame(1 / 60);
  }

  /** Fails where there were faults since they were looked at last. */
  sound(when = 'there were faults'): void {
    const texts = this.faults.splice(0).map(fault => fault.message);
    assert.deepEqual(texts, [], when);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler.close();
    this.world.dispose();
  }
}
