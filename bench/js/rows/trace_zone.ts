// SPDX-License-Identifier: MIT
// What a zone of one's own costs, with tracing on and off, against the two looks at the clock that
// it cannot do without.

import { ParallelScheduler, World, type SchedulerTrace } from 'skep';
import { expectNumber, type Contender, type Row } from '../row.ts';

const N = 1000;

function traced(on: boolean): { trace: SchedulerTrace; zone: number; close(): Promise<void> } {
  const world = new World({ memoryMax: 32 << 20, limits: { entities: 100 } });
  const sched = new ParallelScheduler(world, { executor: 'local', trace: { off: true } });
  const trace = sched.trace();
  if (on) trace.on();
  return {
    trace,
    zone: trace.name('zone'),
    async close() {
      await sched.close();
      world.dispose();
    },
  };
}

/** Zones while the tracer is on, or off. */
const zones = (name: string, on: boolean): Contender => ({
  name,
  role: 'ours',
  make: () => {
    const { trace, zone, close } = traced(on);
    let sum = 0;
    return {
      run() {
        for (let i = 0; i < N; i++) {
          const began = trace.begin();
          sum++;
          trace.end(zone, began);
        }
      },
      check: runs => expectNumber(sum, runs * N, 'zones'),
      close,
    };
  },
});

const on = zones('skep zone', true);
const off = zones('skep zone, off', false);

const loop: Contender = {
  name: 'no zone',
  role: 'limit',
  make: () => {
    let sum = 0;
    return {
      run() {
        for (let i = 0; i < N; i++) sum++;
      },
      check: runs => expectNumber(sum, runs * N, 'turns'),
    };
  },
};

const looks: Contender = {
  name: 'two looks at performance.now()',
  role: 'limit',
  make: () => {
    let sum = 0;
    let time = 0;
    return {
      run() {
        for (let i = 0; i < N; i++) {
          const began = performance.now();
          sum++;
          time += performance.now() - began;
        }
      },
      check(runs) {
        expectNumber(sum, runs * N, 'zones');
        expectNumber(Number(time > 0), 1, 'whether time went by');
      },
    };
  },
};

const row: Row = {
  name: 'trace-zone',
  title: 'a zone of a trace on the calling thread',
  unit: 'ns',
  per: N,
  contenders: [looks, on, loop, off],
  bars: [
    { of: 'skep zone', value: 110 },
    { of: 'skep zone, off', than: 'no zone', atMost: 1, plus: 1 },
  ],
};
export default row;
