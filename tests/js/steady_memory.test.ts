// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Frames of a running world take no more memory than their first ones did: two thousand of a C
// scene with JavaScript jobs beside it, which spawn, destroy and send.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { loadScene, ParallelScheduler, World, type PortablePool } from 'skep';
import { SCENES, wasmFile } from './hash/native.ts';
import { addJobs } from './hash/run.ts';

const WARM_UP = 500;
const FRAMES = 2000;
const MIB = 1 << 20;
const RUNNER = new URL('../../js/dist/pool/node_runner.js', import.meta.url);

/** A job that collects what its worker let go. */
const COLLECT = 'data:text/javascript,export const handle = () => globalThis.gc();';
setFlagsFromString('--expose-gc'); // of this thread and of those to come
const collect = runInNewContext('gc') as () => void;

interface Use {
  /** Of the wasm memory, and what the world holds of it. */
  memory: number;
  world: number;
  heap: number;
  buffers: number;
  workers: number[];
  handles: number;
}

async function useOf(world: World, pool: PortablePool, workers: readonly Worker[]): Promise<Use> {
  const { instance } = (world as unknown as { host: { instance: { memory: WebAssembly.Memory } } })
    .host;
  // What waits is given to all that are free, so each gets one.
  for (let i = 0; i < 2; i++) await Promise.all(workers.map(() => pool.run(COLLECT)));
  const heaps = await Promise.all(workers.map(worker => worker.getHeapStatistics()));
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    memory: instance.memory.buffer.byteLength,
    world: world.bytes,
    heap: heapUsed,
    buffers: arrayBuffers,
    workers: heaps.map(heap => heap.used_heap_size),
    handles: process.getActiveResourcesInfo().length,
  };
}

for (const executor of ['local', 'node', 'copied'] as const) {
  test(`${FRAMES} frames take no memory (${executor})`, async () => {
    const workers: Worker[] = [];
    const createWorker = (): Worker => {
      workers.push(new Worker(RUNNER));
      return workers.at(-1)!;
    };
    const world = new World({ memoryMax: 64 << 20 });
    const scheduler = new ParallelScheduler(world, { executor, size: 2, grain: 0, createWorker });
    const run = async (frames: number): Promise<Use> => {
      for (let i = 0; i < frames; i++) {
        const { faults } = await scheduler.runFrame(1 / 60);
        assert.deepEqual(faults, []);
      }
      return useOf(world, scheduler.pool!, workers);
    };
    try {
      scheduler.addScene(await loadScene(wasmFile('bullets')), { entities: SCENES['bullets']! });
      addJobs(scheduler);
      await scheduler.initPool();
      const before = await run(WARM_UP);
      const after = await run(FRAMES);
      const text = JSON.stringify([before, after]);
      assert.equal(after.memory, before.memory, text);
      assert.ok(after.world < before.world + MIB, text);
      // Two kilobytes a frame would be this.
      assert.ok(after.heap < before.heap + 4 * MIB, text);
      assert.ok(after.buffers < before.buffers + 4 * MIB, text);
      after.workers.forEach((heap, i) => assert.ok(heap < before.workers[i]! + 4 * MIB, text));
      assert.ok(after.handles < before.handles + 8, text);
    } finally {
      await scheduler.close();
      world.dispose();
    }
  });
}
