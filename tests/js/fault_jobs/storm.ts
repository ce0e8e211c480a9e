// SPDX-License-Identifier: MIT
// Jobs for a world in which workers die all the time: one that takes a while and may end its
// thread, one that spawns and sends, one that hears and destroys.

import { isMainThread } from 'node:worker_threads';
import { defineComponent, defineEvent, defineJob } from 'skep/worker';

export const Place = defineComponent({ name: 'Place', fields: { x: 'f64', y: 'f64' } });
export const Age = defineComponent({ name: 'Age', fields: { left: 'i32' } });
export const Tap = defineEvent({ name: 'Tap', fields: { by: 'i32' } });

const module = import.meta.url;

export interface Blow {
  /** Its first word: how many calls still end their thread. */
  gate: SharedArrayBuffer;
  /** In front of which row. */
  row: number;
}

/** Ends this thread, but never the test. */
function die(code: number): void {
  if (isMainThread) throw new Error('a job that ends its thread was run by the caller');
  process.exit(code);
}

/** Walks at random, slowly. */
export const walk = defineJob<readonly [], readonly [typeof Place], Blow>(
  { name: 'walk', writes: [Place], module },
  ({ n, cols, out, entities, random, extra }) => {
    const gate = new Int32Array(extra.gate);
    for (let i = 0; i < n; i++) {
      if (i === extra.row && Atomics.load(gate, 0) > 0 && Atomics.sub(gate, 0, 1) > 0) die(i & 1);
      let step = 0;
      for (let draw = 0; draw < 4; draw++) step += random(entities.at(i), draw) - 0.5;
      out.Place.x[i] = cols.Place.x[i]! + step;
      out.Place.y[i] = cols.Place.y[i]! * 0.5 + step * cols.Place.x[i]!;
    }
  },
);

/** Some have children, and tap others on the shoulder. */
export const breed = defineJob(
  { name: 'breed', reads: [Place], puts: [Place, Age], emits: [Tap], spawnMax: 1024, module },
  ({ n, cols, entities, random, spawn, put, send }) => {
    for (let i = 0; i < n; i++) {
      const chance = random(entities.at(i), 9);
      if (chance < 0.01) {
        const child = spawn();
        put(child, Place, { x: cols.Place.y[i]!, y: chance });
        put(child, Age, { left: 20 });
      } else if (chance < 0.03) {
        send(Tap, entities.at(n - 1 - i), { by: Math.floor(chance * 200) });
      }
    }
  },
);

/** Those with an age grow old, faster when tapped, and die. */
export const age = defineJob(
  { name: 'age', writes: [Age], hears: [Tap], destroys: true, module },
  ({ n, cols, out, entities, inbox, destroy }) => {
    const { begin, by } = inbox.Tap;
    for (let i = 0; i < n; i++) {
      let left = cols.Age.left[i]! - 1;
      for (let k = begin[i]!; k < begin[i + 1]!; k++) left -= by[k]!;
      out.Age.left[i] = left;
      if (left <= 0) destroy(entities.at(i));
    }
  },
);
