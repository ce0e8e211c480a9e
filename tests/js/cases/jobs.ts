// SPDX-License-Identifier: MIT
// The jobs of the conformance suite. The module is the same on Node, in browser workers and in
// process.

import { defineJob, type Entity } from 'skep/worker';
import {
  Exact,
  Hit,
  Hp,
  Meta,
  OPos,
  OVel,
  Pos,
  Red,
  Rules,
  Spark,
  Steer,
  Vel,
} from './components.ts';

const module = import.meta.url;

export const move = defineJob(
  { name: 'move', reads: [Pos, Vel], writes: [Pos], module },
  ({ n, cols, out, dt }) => {
    for (let i = 0; i < n; i++) {
      if (cols.Pos.x.length !== n || out.Pos.x.length !== n) throw new Error('rows twice');
      out.Pos.x[i] = cols.Pos.x[i]! + cols.Vel.x[i]! * dt;
      out.Pos.y[i] = cols.Pos.y[i]! + cols.Vel.y[i]! * dt;
    }
  },
);

export const moveWhole = defineJob(
  { name: 'moveWhole', reads: [Pos, Vel], writes: [Pos], split: false, module },
  ({ n, cols, out, dt }) => {
    if (cols.Pos.x.length !== n || out.Pos.x.length !== n) throw new Error('rows twice');
    for (let i = 0; i < n; i++) {
      out.Pos.x[i] = cols.Pos.x[i]! + cols.Vel.x[i]! * dt;
      out.Pos.y[i] = cols.Pos.y[i]! + cols.Vel.y[i]! * dt;
    }
  },
);

/** A little later. */
export const moveLater = defineJob(
  { name: 'moveLater', reads: [Pos, Vel], writes: [Pos], split: false, module },
  (async ({ n, cols, out, dt }: Parameters<typeof moveWhole.handle>[0]) => {
    await new Promise(resolve => setTimeout(resolve, 5));
    for (let i = 0; i < n; i++) out.Pos.x[i] = cols.Pos.x[i]! + cols.Vel.x[i]! * dt;
  }) as never,
);

export const moveObjects = defineJob(
  { name: 'moveObjects', reads: [OPos, OVel], writes: [OPos], module },
  ({ n, cols, out, dt }) => {
    for (let i = 0; i < n; i++) {
      const p = cols.OPos[i]!;
      const v = cols.OVel[i]!;
      out.OPos[i] = { x: p.x + v.x * dt, y: p.y + v.y * dt };
    }
  },
);

/** Adds `extra` to x; multiplies x by `extra`. */
export const plus = defineJob<readonly [], readonly [typeof Pos], number>(
  { name: 'plus', writes: [Pos], module },
  ({ n, cols, out, extra }) => {
    for (let i = 0; i < n; i++) out.Pos.x[i] = cols.Pos.x[i]! + extra;
  },
);
export const times = defineJob<readonly [], readonly [typeof Pos], number>(
  { name: 'times', writes: [Pos], module },
  ({ n, cols, out, extra }) => {
    for (let i = 0; i < n; i++) out.Pos.x[i] = cols.Pos.x[i]! * extra;
  },
);
export const plusWhole = defineJob<readonly [], readonly [typeof Pos], number>(
  { name: 'plusWhole', writes: [Pos], split: false, module },
  plus.handle,
);
export const plusObject = defineJob<readonly [], readonly [typeof OPos], number>(
  { name: 'plusObject', writes: [OPos], module },
  ({ n, cols, out, extra }) => {
    for (let i = 0; i < n; i++) out.OPos[i] = { x: cols.OPos[i]!.x + extra, y: 0 };
  },
);
export const timesObject = defineJob<readonly [], readonly [typeof OPos], number>(
  { name: 'timesObject', writes: [OPos], module },
  ({ n, cols, out, extra }) => {
    for (let i = 0; i < n; i++) out.OPos[i] = { x: cols.OPos[i]!.x * extra, y: 0 };
  },
);

/** Reaches for what it did not declare. */
export const reachOut = defineJob(
  { name: 'reachOut', reads: [Vel], writes: [Pos], module },
  ({ out }) => {
    (out as unknown as { Vel: { x: Float32Array } }).Vel.x[0] = 99;
  },
);

/** Changes what it may only read. */
export const trespass = defineJob(
  { name: 'trespass', reads: [Vel], writes: [Pos], module },
  ({ cols }) => {
    (cols.Vel.x as unknown as Float32Array).fill(-7);
  },
);
export const trespassObjects = defineJob(
  { name: 'trespassObjects', reads: [OVel, Meta], writes: [OPos], module },
  ({ n, cols, extra }) => {
    for (let i = 0; i < n; i++) {
      cols.OVel[i]!.x = 99;
      const meta = cols.Meta[i] as { title: string; tags: string[] };
      meta.title = 'changed';
      meta.tags.push('more');
    }
    const list = extra as unknown as { list?: number[] } | undefined;
    list?.list?.push(1);
  },
);

/** Counts the calls that changed the same `extra`. Pure where each call has its own. */
export const extraCounter = defineJob(
  { name: 'extraCounter', writes: [Hp], module },
  ({ n, out, extra }) => {
    const { counts } = extra as unknown as { counts: Map<string, number> };
    const calls = (counts.get('calls') ?? 0) + 1;
    counts.set('calls', calls);
    for (let i = 0; i < n; i++) out.Hp.v[i] = calls;
  },
);
export const extraWriter = defineJob({ name: 'extraWriter', writes: [Hp], module }, ({ extra }) => {
  (extra as unknown as { deep: { n: number } }).deep.n = 1;
});

let kept: { out: unknown; put: () => void; x: () => unknown } | undefined;
/** Keeps its input, and uses what it kept of the last call. */
export const keeper = defineJob<readonly [], readonly [typeof Pos], string>(
  { name: 'keeper', writes: [Pos], puts: [Red], module },
  input => {
    const before = kept;
    const { out, put, entities, extra } = input;
    const entity = input.n ? entities.at(0) : (0 as Entity);
    kept = { out, put: () => put(entity, Red), x: () => input.cols.Pos };
    const held = input.cols;
    if (extra === 'later' && before) before.put();
    queueMicrotask(() => {
      try {
        void (held.Pos as { x: unknown }).x;
        (out.Pos.x as Float32Array)[0] = 5;
      } catch (error) {
        lateError = error as Error;
      }
    });
  },
);
let lateError: Error | undefined;
/** What using a kept input gave, as a number of Hp: 1 an error that says so, 2 none. */
export const lateReport = defineJob({ name: 'lateReport', writes: [Hp], module }, ({ n, out }) => {
  const clear = lateError?.message.includes('used its input after it returned');
  for (let i = 0; i < n; i++) out.Hp.v[i] = clear ? 1 : 2;
});

/** Touches one field of many. */
export const countExact = defineJob(
  { name: 'countExact', writes: [Exact], module },
  ({ n, out }) => {
    for (let i = 0; i < n; i++) out.Exact.n[i]! += 1;
  },
);
export const countExactWhole = defineJob(
  { name: 'countExactWhole', writes: [Exact], split: false, module },
  ({ n, out }) => {
    for (let i = 0; i < n; i++) out.Exact.n[i]! += 1;
  },
);

/** Adds a tag to each row whose x is a multiple of 3, removes it from the others, and destroys
 * where x is 50. */
export const sort = defineJob(
  { name: 'sort', reads: [Pos], puts: [Red, Hp], destroys: true, module },
  ({ n, cols, entities, put, remove, destroy }) => {
    for (let i = 0; i < n; i++) {
      const x = cols.Pos.x[i]!;
      if (x % 3 === 0) put(entities.at(i), Red);
      else remove(entities.at(i), Red);
      if (x % 5 === 0) put(entities.at(i), Hp, { v: x });
      if (x === 50) destroy(entities.at(i));
    }
  },
);
export const sortWhole = defineJob(
  { name: 'sortWhole', reads: [Pos], puts: [Red, Hp], destroys: true, split: false, module },
  sort.handle as never,
);

/** Spawns two for each row of Red that has Pos, with a value and a link. */
export const breed = defineJob(
  { name: 'breed', reads: [Pos], with: [Red], puts: [Vel, Exact], spawnMax: 4096, module },
  ({ n, cols, entities, spawn, put }) => {
    for (let i = 0; i < n; i++) {
      const a = spawn();
      const b = spawn();
      put(a, Vel, { x: cols.Pos.x[i]!, y: 1 });
      put(b, Exact, { who: a, n: i });
      put(b, Vel, { x: -1 });
      void entities;
    }
  },
);
export const breedWhole = defineJob(
  {
    name: 'breedWhole',
    reads: [Pos],
    with: [Red],
    puts: [Vel, Exact],
    spawnMax: 4096,
    split: false,
    module,
  },
  breed.handle as never,
);
/** Spawns more than it said. */
export const breedTooMuch = defineJob(
  { name: 'breedTooMuch', reads: [Pos], puts: [Vel], spawnMax: 3, module },
  ({ spawn, put }) => {
    for (let i = 0; i < 4; i++) put(spawn(), Vel, { x: i });
  },
);
export const breedTooMuchWhole = defineJob(
  { name: 'breedTooMuchWhole', reads: [Pos], puts: [Vel], spawnMax: 3, split: false, module },
  breedTooMuch.handle as never,
);
/** Spawns from a prefab, and gives the second one another value. */
export const sparks = defineJob(
  { name: 'sparks', reads: [Vel], spawns: [Spark], spawnMax: 8, puts: [Hp], module },
  ({ n, spawn, put }) => {
    for (let i = 0; i < n; i++) {
      spawn(Spark);
      put(spawn(Spark), Hp, { v: 40 });
    }
  },
);
export const sparksWhole = defineJob(
  {
    name: 'sparksWhole',
    reads: [Vel],
    spawns: [Spark],
    spawnMax: 8,
    puts: [Hp],
    split: false,
    module,
  },
  sparks.handle as never,
);

/** Sends a hit to each row's `who`, and one to all from the first row. */
export const shoot = defineJob(
  { name: 'shoot', reads: [Exact], emits: [Hit], resources: [Rules], module },
  ({ n, cols, entities, send, resources }) => {
    for (let i = 0; i < n; i++) {
      const to = cols.Exact.who.at(i);
      if (to)
        send(Hit, to, { amount: cols.Exact.n[i]! * resources.Rules.step, by: entities.at(i) });
    }
    if (n) send(Hit, 0, { amount: 1000 });
  },
);
export const shootWhole = defineJob(
  { name: 'shootWhole', reads: [Exact], emits: [Hit], resources: [Rules], split: false, module },
  shoot.handle as never,
);
/** Takes hits: each row's own, and those to all. */
export const hurt = defineJob(
  { name: 'hurt', writes: [Hp], hears: [Hit, Steer], module },
  ({ n, out, inbox, events }) => {
    const { begin, amount } = inbox.Hit;
    let all = 0;
    for (let k = 0; k < events.Hit.n; k++) if (!events.Hit.to.at(k)) all += events.Hit.amount[k]!;
    for (let i = 0; i < n; i++) {
      for (let k = begin[i]!; k < begin[i + 1]!; k++) out.Hp.v[i]! -= amount[k]!;
      for (let k = inbox.Steer.begin[i]!; k < inbox.Steer.begin[i + 1]!; k++) {
        out.Hp.v[i]! += inbox.Steer.turn[k]!;
      }
      out.Hp.v[i]! -= all;
    }
  },
);
export const hurtWhole = defineJob(
  { name: 'hurtWhole', writes: [Hp], hears: [Hit, Steer], split: false, module },
  hurt.handle as never,
);

/** The same numbers in each place, split or not. */
export const dice = defineJob(
  { name: 'dice', writes: [Pos], module },
  ({ n, entities, out, random }) => {
    for (let i = 0; i < n; i++) {
      out.Pos.x[i] = random(entities.at(i), 0);
      out.Pos.y[i] = random(entities.at(i), 1);
    }
  },
);
export const diceWhole = defineJob(
  { name: 'diceWhole', writes: [Pos], split: false, module },
  dice.handle as never,
);

/** Writes down what a frame is: dt, time and tick. */
export const clock = defineJob({ name: 'clock', writes: [Exact], module }, input => {
  for (let i = 0; i < input.n; i++) {
    input.out.Exact.d[i] = input.time;
    input.out.Exact.n[i] = input.tick;
    input.out.Exact.list[3 * i] = input.dt * 100;
  }
});
/** Writes down how often it was called, and with how many rows. */
export const counted = defineJob({ name: 'counted', writes: [Hp], module }, ({ n, out }) => {
  for (let i = 0; i < n; i++) out.Hp.v[i]! += 1;
});
/** An object of its own on each row: the same one, several times. */
export const shareObject = defineJob(
  { name: 'shareObject', writes: [Meta], module },
  ({ n, out }) => {
    const one = { title: 'one', tags: ['a'] };
    for (let i = 0; i < n; i++) out.Meta[i] = one;
  },
);

export const jobs = [
  move,
  moveWhole,
  moveLater,
  moveObjects,
  plus,
  times,
  plusWhole,
  plusObject,
  timesObject,
  reachOut,
  trespass,
  trespassObjects,
  extraCounter,
  extraWriter,
  keeper,
  lateReport,
  countExact,
  countExactWhole,
  sort,
  sortWhole,
  breed,
  breedWhole,
  breedTooMuch,
  breedTooMuchWhole,
  sparks,
  sparksWhole,
  shoot,
  shootWhole,
  hurt,
  hurtWhole,
  dice,
  diceWhole,
  clock,
  counted,
  shareObject,
];
