// SPDX-License-Identifier: MIT
// A world that lives in a worker, with workers of its own. The page gets a column a frame, moved
// and not copied, and asks for the next.

import { move, Pos } from './frame_jobs.ts';
import { Scene } from './frame_page.ts';

const scope = globalThis as unknown as {
  onmessage: (event: { data: unknown }) => void;
  postMessage(message: unknown, transfer?: Transferable[]): void;
};

let next: () => void = () => {};

async function live(frames: number): Promise<void> {
  const scene = new Scene({ worker: '/tests/browser/frame_worker.ts', size: 1, force: true }, 1500);
  const { scheduler, world } = scene;
  scheduler.register(move);
  for (let f = 0; f < frames; f++) {
    const asked = new Promise<void>(resolve => {
      next = resolve;
    });
    await scheduler.runFrame(1 / 60);
    const x = new Float32Array(world.size);
    let row = 0;
    world.each({ read: [Pos] }, (n, pos) => {
      for (let i = 0; i < n; i++) x[row++] = pos.x[i]!;
    });
    scope.postMessage({ x }, [x.buffer]);
    await asked;
  }
  const { kind } = scheduler.executor;
  await scheduler.close();
  scope.postMessage({ kind });
}

scope.onmessage = ({ data }) => {
  if (data === 'next') next();
  else void live((data as { frames: number }).frames);
};
