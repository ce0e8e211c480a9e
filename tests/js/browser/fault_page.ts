// SPDX-License-Identifier: MIT
// The matrix of faults in a page: on shared memory where it is isolated, else on copied columns.
// There threads share nothing, so who goes wrong only once is told by the worker's number, which
// stands behind the # of its address.

import { ParallelScheduler, World } from 'skep';
import { record, replay, checkpoints } from 'skep/record';
import type { Place } from '../cases/bed.ts';
import { Flag, Mark, Other, Place as Spot, liar, steady } from '../cases/liar.ts';
import {
  crashes,
  poolLies,
  runBeside,
  runMatrix,
  taskLies,
  wholeLies,
  type Kind,
  type Style,
} from '../cases/matrix.ts';

/** Those that cost no worker, and some of those that do: Node's tests have all. */
const some = (kinds: readonly Kind[], losing: number): Kind[] => [
  ...kinds.filter(kind => !kind.loses),
  ...kinds.filter(kind => kind.loses).slice(0, losing),
];
const exits = crashes(['exit']);
const LISTS: Readonly<Record<string, readonly Kind[]>> = {
  crashes: crashes(['throw', 'stack overflow', 'trap', 'loop']),
  exits,
  lies: [...some(wholeLies, 0), ...some(poolLies, 1), ...exits],
  taskLies: some(taskLies, 2),
};

/** Runs a list of kinds; returns what was run, and what did not hold. */
export async function matrix(
  worker: string,
  kind: 'web' | 'copied',
  style: Style,
  list: string,
): Promise<{ ran: string[]; bad: string[] }> {
  let made = 0;
  const place: Place = {
    name: kind,
    options: {
      executor: kind,
      size: kind === 'web' ? 2 : 1,
      createWorker: () => new Worker(`${worker}#${++made}`, { type: 'module' }),
      onFallback: () => {},
    },
    workers: 2,
    sync: false,
    copied: kind === 'copied',
    exits: true,
    job: () => ({}),
  };
  const ran: string[] = [];
  const bad: string[] = [];
  const kinds = LISTS[list]!;
  const losing = kinds.filter(each => each.loses);
  const groups =
    kind === 'web'
      ? [kinds]
      : [kinds.filter(each => !each.loses), ...losing.map(each => [each])].filter(
          group => group.length,
        );
  for (const group of groups) {
    made = 0;
    try {
      if (kind === 'web' && style === 'split' && list === 'exits') {
        // A thread that closes itself still ends its task, which nobody has to hear of then.
        await runBeside(place, group);
        ran.push(...group.map(({ how }) => how));
        continue;
      }
      const options = { deadlineMs: 500, apart: kind === 'copied' };
      ran.push(...(await runMatrix(place, style, group, options)));
    } catch (error) {
      bad.push(String((error as Error).stack));
    }
  }
  return { ran, bad };
}

/** Records frames on workers, plays them on the page's own thread, and takes a checkpoint. */
export async function recorded(worker: string): Promise<Record<string, unknown>> {
  const make = (executor: 'auto' | 'local'): ParallelScheduler => {
    const world = new World({ memoryMax: 64 << 20 });
    const scheduler = new ParallelScheduler(world, {
      executor,
      size: 1,
      log: () => {},
      onFallback: () => {},
      createWorker: () => new Worker(worker, { type: 'module' }),
    });
    scheduler.register(liar, { extra: () => ({ how: 'none', at: 0 as never }) });
    scheduler.register(steady);
    return scheduler;
  };
  const first = make('auto');
  first.world.spawnMany([Spot, Mark, Flag, Other], 2500);
  const saves: [Uint8Array, number][] = [];
  const saved = checkpoints(first.world, {
    every: 4,
    write: (bytes, tick) => void saves.push([bytes, tick]),
  });
  const recording = record(first);
  for (let i = 0; i < 8; i++) await first.runFrame(1 / 60);
  recording.end();
  await saved.now();
  await saved.end();
  const second = make('local');
  const { frames, differs } = await replay(recording.bytes(), second);
  const third = make('local');
  third.world.load(saves.at(-1)![0]);
  const hashes = [first, second, third].map(({ world }) => String(world.hash()));
  const { kind } = first.executor;
  for (const scheduler of [first, second, third]) await scheduler.close();
  return { kind, frames, differs, same: new Set(hashes).size === 1, tick: saves.at(-1)![1] };
}
