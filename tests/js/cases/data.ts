// SPDX-License-Identifier: MIT
// What reaches the world from jobs, and what does not: the data path of the notes' sketch with its
// defects (D, Z, and those W that concern frames), each as it should be.

import type { AnyComponent, AnyJob, Entity, World } from 'skep';
import { equal, failure, match, ok } from './check.ts';
import { faultsOf, withBed, type Bed, type Case, type Place } from './bed.ts';
import { Exact, Hp, Meta, OPos, OVel, Pos, Red, Vel } from './components.ts';
import * as jobs from './jobs.ts';

/** Positions 0, 100, 200 ... that move by 1 in a second. */
export function line(world: World, count: number): Entity[] {
  return Array.from({ length: count }, (_, i) =>
    world.spawn([Pos, { x: 100 * i }], [Vel, { x: 1 }]),
  );
}
export function objectLine(world: World, count: number): Entity[] {
  return Array.from({ length: count }, (_, i) =>
    world.spawn([OPos, { x: 100 * i, y: 0 }], [OVel, { x: 1, y: 0 }]),
  );
}
export function xs(world: World, entities: readonly Entity[]): unknown[] {
  return entities.map(e => world.get(e, Pos)?.x);
}
export function oxs(world: World, entities: readonly Entity[]): unknown[] {
  return entities.map(e => world.get(e, OPos)?.x);
}

/** Registers the notes' job with an act. */
export function notes(
  { scheduler }: Pick<Bed, 'scheduler'>,
  place: Place,
  act: string,
  more: {
    name?: string;
    after?: string;
    patches?: unknown[];
    ms?: number;
    note?: unknown;
    reads?: readonly AnyComponent[];
    writes?: readonly AnyComponent[];
    run?: () => void;
    query?: () => object;
    spawnMax?: number;
    deadlineMs?: number;
  } = {},
): void {
  const { name = 'notes', after, run, query, spawnMax, deadlineMs } = more;
  const { patches, ms, note } = more;
  scheduler.register({
    name,
    ...(after && { after }),
    ...(run && { run }),
    ...(query && { query }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    offload: {
      ...place.job('notes_job'),
      reads: more.reads ?? [OVel, OPos],
      writes: more.writes ?? [OPos],
      ...(spawnMax !== undefined && { spawnMax }),
      extra: () => ({ act, POS: OPos.id, VEL: OVel.id, patches, ms, note }),
    },
  });
}

const MOVED = [1, 101, 201, 301];

const split: Case[] = [jobs.move, jobs.moveWhole].map(job => ({
  name: `D1: a component in reads and writes has its rows once: ${job.name}`,
  run: place =>
    withBed(place, async ({ world, scheduler, clean }) => {
      const entities = line(world, 4);
      scheduler.register(job);
      await clean();
      equal(xs(world, entities), MOVED, 'x');
    }),
}));

const both = (a: AnyJob, b: AnyJob, what: string): Case => ({
  name: `D3: two jobs that write one component run one after the other: ${what}`,
  run: place =>
    withBed(place, async ({ world, scheduler, clean }) => {
      const typed = line(world, 3000);
      const objects = objectLine(world, 10);
      scheduler.register(a, { extra: () => 1 as never });
      scheduler.register(b, { extra: () => 10 as never });
      equal(scheduler.batches(), [[a.name], [b.name]], 'batches');
      await clean();
      const found = a.writes[0] === Pos ? xs(world, typed) : oxs(world, objects);
      equal(found.slice(0, 3), [10, 1010, 2010], '(x + 1) * 10');
    }),
});

export const dataCases: Case[] = [
  ...split,
  {
    name: 'D1: a component in reads and writes has its rows once: objects',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const entities = objectLine(world, 4);
        scheduler.register(jobs.moveObjects);
        await clean();
        equal(oxs(world, entities), MOVED, 'x');
      }),
  },
  {
    name: 'D1: a component in reads and writes has its rows once: the notes',
    run: place =>
      withBed(place, async bed => {
        const entities = objectLine(bed.world, 4);
        notes(bed, place, 'move');
        await bed.clean();
        equal(oxs(bed.world, entities), MOVED, 'x');
      }),
  },
  {
    name: 'D2: what is not in writes cannot be written: the notes',
    run: place =>
      withBed(place, async bed => {
        const entities = objectLine(bed.world, 2);
        notes(bed, place, 'wrong');
        const report = await bed.frame();
        match(faultsOf(report), /OVel is not in `writes` of system "notes"/, 'the fault');
        equal(bed.world.get(entities[0]!, OVel), { x: 1, y: 0 }, 'the value');
      }),
  },
  {
    name: 'D2: what is not in writes cannot be written: out has no such columns',
    run: place =>
      withBed(place, async ({ world, scheduler, frame }) => {
        const [entity] = line(world, 1);
        scheduler.register(jobs.reachOut);
        const before = world.hash();
        const report = await frame();
        match(faultsOf(report), /TypeError/, 'the fault');
        equal(world.get(entity!, Vel), { x: 1, y: 0 }, 'Vel');
        ok(world.hash() !== before, 'the record of the fault and the tick are part of the hash');
      }),
  },
  both(jobs.plus, jobs.times, 'split'),
  both(jobs.plusWhole, jobs.times, 'one whole'),
  both(jobs.plusObject, jobs.timesObject, 'objects'),
  {
    name: 'D3: two jobs that write one component run one after the other: the notes',
    run: place =>
      withBed(place, async bed => {
        const entities = objectLine(bed.world, 3);
        notes(bed, place, 'plus', { name: 'a', ms: 1 });
        notes(bed, place, 'times', { name: 'b', ms: 10 });
        equal(bed.scheduler.batches(), [['a'], ['b']], 'batches');
        await bed.clean();
        equal(oxs(bed.world, entities), [10, 1010, 2010], '(x + 1) * 10');
      }),
  },
  {
    name: 'D4: a patch for what is gone, or lacks it, is dropped and counted; the rest is made',
    run: place =>
      withBed(place, async bed => {
        const { world } = bed;
        const [a, b, c] = objectLine(world, 3) as [Entity, Entity, Entity];
        const bare = world.spawn();
        world.destroy(b);
        notes(bed, place, 'give', {
          patches: [
            { kind: 'set', eid: b, cid: OPos.id, value: { x: 1, y: 1 } },
            { kind: 'set', eid: bare, cid: OPos.id, value: { x: 1, y: 1 } },
            { kind: 'destroy', eid: b },
            { kind: 'remove', eid: bare, cid: OPos.id },
            { kind: 'set', eid: a, cid: OPos.id, value: { x: 7, y: 7 } },
            { kind: 'set', eid: c, cid: OPos.id, value: { x: 8, y: 8 } },
          ],
        });
        const before = world.dropped;
        await bed.clean();
        equal(oxs(world, [a, b, c, bare]), [7, undefined, 8, undefined], 'x');
        equal(world.dropped - before, 4, 'dropped');
      }),
  },
  {
    name: 'D4: a patch for an unknown component is a fault, and nothing of the list is made',
    run: place =>
      withBed(place, async bed => {
        const entities = objectLine(bed.world, 2);
        notes(bed, place, 'give', {
          patches: [
            { kind: 'set', eid: entities[0], cid: OPos.id, value: { x: 7, y: 7 } },
            { kind: 'set', eid: entities[1], cid: 9999, value: 1 },
          ],
        });
        match(faultsOf(await bed.frame()), /component 9999/, 'the fault');
        equal(oxs(bed.world, entities), [0, 100], 'x');
      }),
  },
  {
    name: 'D4: what is no list of patches is a fault',
    run: place =>
      withBed(place, async bed => {
        objectLine(bed.world, 2);
        notes(bed, place, 'text', { name: 'text' });
        notes(bed, place, 'give', { name: 'odd', patches: [{ kind: 'turn', eid: 1 }] });
        const found = faultsOf(await bed.frame());
        match(found, /text skipped: .*PatchError: a job returned string, not a list/s, 'the first');
        match(found, /odd skipped: .*PatchError: patch 0: .*is of no kind/s, 'the second');
      }),
  },
  {
    name:
      'D5: a job fails while another one runs: that one finishes within the frame, and nothing '
      + 'comes later',
    on: place => !place.sync,
    run: place =>
      withBed(place, async bed => {
        const { world } = bed;
        const entities = objectLine(world, 3);
        const typed = line(world, 3);
        notes(bed, place, 'throw', { name: 'bad', writes: [], reads: [OVel] });
        notes(bed, place, 'later', { name: 'slow', ms: 30 });
        bed.scheduler.register(jobs.moveLater);
        const report = await bed.frame();
        equal(
          report.faults.map(f => f.system),
          ['bad'],
          'faults',
        );
        equal(oxs(world, entities), [1, 101, 201], 'x of the slow one');
        equal(xs(world, typed), [1, 101, 201], 'x of the typed one');
        const after = world.hash();
        await new Promise(resolve => setTimeout(resolve, 60));
        equal(world.hash(), after, 'the hash a while later');
        equal(oxs(world, entities), [1, 101, 201], 'objects a while later');
      }),
  },
  {
    name: 'D6: a run iterates while a job of its batch destroys and adds: nothing moves under it',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const entities = Array.from({ length: 2000 }, (_, i) => world.spawn([Pos, { x: i % 100 }]));
        const seen: number[] = [];
        scheduler.register(jobs.sort);
        scheduler.register({
          name: 'look',
          reads: [Pos],
          run: ({ world: w }) => {
            let rows = 0;
            w.each({ read: [Pos] }, n => {
              rows += n;
            });
            seen.push(rows);
          },
        });
        const batches = scheduler.batches();
        await clean(2);
        equal(seen, batches.length === 1 ? [2000, 1980] : [1980, 1980], `rows, ${batches.length}`);
        equal(world.size, 1980, 'entities');
        equal(world.count({ with: [Red] }), entities.length * 0.34 - 0, 'red ones');
      }),
  },
  {
    name: 'D7: null can be written, and what is not given takes the defaults',
    run: place =>
      withBed(place, async bed => {
        const { world } = bed;
        const a = world.spawn([Meta, { title: 'a', tags: [] }], OPos);
        const b = world.spawn(OPos);
        const c = world.spawn(OPos);
        bed.scheduler.register({
          name: 'notes',
          offload: {
            ...place.job('notes_job'),
            reads: [OPos],
            writes: [Meta],
            extra: () => ({
              act: 'give',
              patches: [
                { kind: 'set', eid: a, cid: Meta.id, value: null },
                { kind: 'add', eid: b, cid: Meta.id, value: null },
                { kind: 'add', eid: c, cid: Meta.id },
              ],
            }),
          },
        });
        await bed.clean();
        equal(
          [a, b, c].map(e => world.get(e, Meta)),
          [null, null, { title: '', tags: [] }],
          'Meta',
        );
        ok(world.has(b, Meta), 'b has it');
      }),
  },
  {
    name: 'D8: without a query the rows are those of reads and writes, and a query is made once',
    run: place =>
      withBed(place, async bed => {
        const { world } = bed;
        objectLine(world, 3);
        const other = world.spawn([OPos, { x: 5, y: 0 }]);
        notes(bed, place, 'show');
        await bed.clean(2);
        world.spawn([OPos, { x: 1, y: 0 }], OVel);
        await bed.clean();
        const first = [...world.iter(world.makeQuery({ all: [OVel] }))][0]![0];
        const shown = world.get(first, OPos) as unknown as Record<string, unknown>;
        equal([shown['eids'], shown['pos'], shown['vel'], shown['none']], [4, 4, 4, 0], 'rows');
        equal(world.get(other, OPos), { x: 5, y: 0 }, 'one that lacks OVel');
      }),
  },
  {
    name: 'D8: an `any` query gives aligned columns, undefined where the entity lacks it',
    run: place =>
      withBed(place, async bed => {
        const { world } = bed;
        const [both] = objectLine(world, 1);
        world.spawn([OPos, { x: 5, y: 0 }]);
        world.spawn([OVel, { x: 5, y: 0 }]);
        world.spawn(Red);
        notes(bed, place, 'show', { query: () => ({ any: [OPos, OVel] }) });
        await bed.clean();
        const shown = [...world.iter(world.makeQuery({ all: [OPos] }))]
          .map(row => row[2] as Record<string, unknown>)
          .find(v => 'none' in v)!;
        equal([shown['eids'], shown['pos'], shown['vel'], shown['none']], [3, 3, 3, 1], 'rows');
        ok(both, 'one has both');
      }),
  },
  {
    name: 'D9: what a job does to its objects and to `extra` reaches nobody: the notes',
    run: place =>
      withBed(place, async bed => {
        const { world } = bed;
        const entities = objectLine(world, 3);
        const note = { n: 1 };
        notes(bed, place, 'trespass', { note });
        await bed.clean(2);
        equal(oxs(world, entities), [0, 100, 200], 'x');
        equal(world.get(entities[0]!, OVel), { x: 1, y: 0 }, 'OVel');
        equal(note, { n: 1 }, 'what extra gave');
      }),
  },
  {
    name: 'D9: what a job does to its objects and to `extra` reaches nobody: defineJob',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const entities = objectLine(world, 3);
        for (const e of entities) world.add(e, Meta, { title: 't', tags: ['a'] });
        const list = [1];
        scheduler.register(jobs.trespassObjects, { extra: () => ({ list }) as never });
        await clean(2);
        equal(oxs(world, entities), [0, 100, 200], 'x');
        equal(
          entities.map(e => world.get(e, OVel)?.x),
          [1, 1, 1],
          'OVel',
        );
        equal(world.get(entities[0]!, Meta), { title: 't', tags: ['a'] }, 'Meta');
        equal(list, [1], 'what extra gave');
      }),
  },
  {
    name: 'D9: objects that a job gave out several times are not shared afterwards',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const a = world.spawn(Meta);
        const b = world.spawn(Meta);
        scheduler.register(jobs.shareObject);
        await clean();
        world.get(a, Meta)!.title = 'changed';
        equal(world.get(b, Meta), { title: 'one', tags: ['a'] }, 'the other one');
      }),
  },
  {
    name: 'D10: `extra` that cannot be cloned is a fault of its system, which names the key',
    run: place =>
      withBed(place, async ({ world, scheduler, frame, clean }) => {
        const entities = line(world, 3000);
        let good = false;
        const extra = (): unknown => (good ? 5 : { list: [1, { callback: () => 1 }] });
        scheduler.register(jobs.plus, { extra: extra as never });
        scheduler.register(jobs.countExact);
        world.spawn([Exact, { n: 1 }]);
        const report = await frame();
        equal(report.faults.length, 1, 'faults');
        const cause = report.faults[0]!.cause as Error;
        equal(
          cause.message,
          'DataCloneError in `extra` of system "plus": key "list[1].callback" is ' + 'a function',
          'the cause',
        );
        equal(report.faults[0]!.code, 'E_ARGUMENT', 'the code');
        equal(xs(world, entities.slice(0, 2)), [0, 100], 'x');
        good = true;
        await clean();
        equal(xs(world, entities.slice(0, 2)), [5, 105], 'x afterwards');
      }),
  },
  {
    name: 'D10: an `extra` that throws is a fault of its system alone',
    run: place =>
      withBed(place, async bed => {
        const { world, scheduler, frame } = bed;
        const entities = line(world, 3);
        objectLine(world, 1);
        scheduler.register(jobs.move);
        scheduler.register({
          name: 'notes',
          offload: {
            ...place.job('notes_job'),
            reads: [OVel],
            writes: [OPos],
            extra: () => {
              throw new RangeError('no extra');
            },
          },
        });
        const report = await frame();
        equal(
          report.faults.map(f => [f.system, String(f.cause)]),
          [['notes', 'RangeError: no extra']],
          'faults',
        );
        equal(xs(world, entities), [1, 101, 201], 'x');
      }),
  },
  {
    name: 'Z1: what workers write reaches the world, with shared memory or not, in many blocks',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const entities = line(world, 10000);
        scheduler.register(jobs.move);
        await clean(3);
        let sum = 0;
        world.each({ read: [Pos] }, (n, pos) => {
          for (let i = 0; i < n; i++) sum += pos.x[i]! % 100;
        });
        equal(sum, 30000, 'the sum of what was moved');
        equal(world.get(entities[9999]!, Pos)!.x, 999903, 'the last one');
      }),
  },
  ...[jobs.countExact, jobs.countExactWhole].map((job): Case => ({
    name: `Z2: fields that are not touched keep all their bits: ${job.name}`,
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const value = {
          d: 0.1 + 0.2,
          big: -(2n ** 62n) - 1n,
          list: [-1, 2, -32768] as never,
          raw: Uint8Array.of(0, 255, 7, 128),
        };
        const entities = Array.from({ length: 1500 }, () => world.spawn([Exact, value]));
        world.set(entities[7]!, Exact, { who: entities[1400]! });
        scheduler.register(job);
        await clean(2);
        const found = world.get(entities[7]!, Exact)!;
        ok(Object.is(found.d, 0.1 + 0.2), `d is ${found.d}`);
        equal(found.big, value.big, 'big');
        equal([...found.list], [-1, 2, -32768], 'list');
        equal([...found.raw], [0, 255, 7, 128], 'raw');
        equal(found.who, entities[1400], 'who');
        equal(found.n, 2, 'n');
      }),
  })),
  {
    name: 'Z3: rows that two workers wrote are all known as changed, and no others',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const entities = line(world, 5000);
        world.spawnMany([Pos], 100);
        const changed = world.query({ read: [Pos], changed: [Pos] });
        const count = (): number => {
          let rows = 0;
          changed.run((n, _pos, _entities, list) => {
            rows += list ? list.length : n;
          });
          return rows;
        };
        count();
        equal(count(), 0, 'changed before');
        scheduler.register(jobs.move);
        await clean();
        equal(count(), 5000, 'changed by the job');
        world.set(entities[4]!, Pos, { x: 1 });
        equal(count(), 1, 'changed by hand');
      }),
  },
  {
    name: 'W1: a run destroys what it iterates: every row comes once',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        line(world, 50);
        const seen: number[] = [];
        scheduler.register({
          name: 'reap',
          run: ({ world: w, cmd }) => {
            for (const [e, , p] of w.iter(w.makeQuery({ all: [Pos] }), Pos)) {
              seen.push((p as { x: number }).x);
              cmd.destroyEntity(e);
            }
          },
        });
        await clean();
        equal(seen.length, 50, 'rows seen');
        equal(world.size, 0, 'entities left');
      }),
  },
  {
    name: 'W3: what a run creates has a real handle at once',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        let made: Entity[] = [];
        scheduler.register({
          name: 'make',
          run: ({ world: w, cmd }) => {
            const e = cmd.createEntity();
            cmd.add(e, Pos, { x: 3 });
            made = [e, w.spawn([Pos, { x: 4 }], Red)];
            equal(xs(w, made), [3, 4], 'x in the run');
          },
        });
        await clean();
        equal(xs(world, made), [3, 4], 'x afterwards');
        ok(made[0] !== made[1] && made[0]! > 0, `handles ${String(made)}`);
      }),
  },
  {
    name: 'W4 W5 W9: changed is what was written, between frames and in them, whatever moves',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const [a, b, c, d] = line(world, 4) as [Entity, Entity, Entity, Entity];
        const changed = world.query({ changed: [Pos] });
        const list = (): Entity[] => {
          const found: Entity[] = [];
          changed.run((n, entities, rows) => {
            for (let i = 0; i < (rows ? rows.length : n); i++) {
              found.push(
                (entities as unknown as { at(i: number): Entity }).at(rows ? rows[i]! : i),
              );
            }
          });
          return found.sort((x, y) => x - y);
        };
        list();
        world.set(b, Pos, { x: 1 });
        equal(list(), [b], 'written between frames');
        scheduler.register({
          name: 'one',
          run: ({ world: w }) => {
            w.set(d, Pos, { x: 2 });
            w.destroy(a);
          },
        });
        await clean();
        equal(list(), [d], 'written in a frame, while another one was destroyed');
        world.destroy(c);
        equal(list(), [], 'destroyed');
      }),
  },
  {
    name: 'W7 W8: a run sets, adds and destroys in one frame: nothing is lost, nothing comes back',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const [a, b, c] = line(world, 3) as [Entity, Entity, Entity];
        scheduler.register({
          name: 'all',
          run: ({ world: w }) => {
            w.set(a, Pos, { x: 11 });
            w.add(a, Hp, { v: 1 });
            w.set(c, Pos, { x: 33 });
            w.destroy(b);
            w.add(c, Red);
          },
        });
        await clean();
        equal(xs(world, [a, b, c]), [11, undefined, 33], 'x');
        equal([world.get(a, Hp), world.has(c, Red)], [{ v: 1 }, true], 'what was added');
      }),
  },
];

/** What a PlanError says. */
export async function planError(call: () => unknown): Promise<string> {
  const error = await failure(call);
  equal(error.name, 'PlanError', 'the error');
  return error.message;
}
