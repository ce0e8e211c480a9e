// SPDX-License-Identifier: MIT
// What jobs make beside columns: entities, components, events; and that all of it is the same
// wherever they run.

import type { AnyJob, Entity, World } from 'skep';
import { equal, match, ok } from './check.ts';
import { faultsOf, withBed, type Bed, type Case, type Place } from './bed.ts';
import { Exact, Hit, Hp, Pos, Red, Rules, Spark, Steer, Vel } from './components.ts';
import { line, xs } from './data.ts';
import * as jobs from './jobs.ts';

/** A job called once a block, and the same called once with all rows. */
type Pair = readonly [AnyJob, AnyJob];
const BREED: Pair = [jobs.breed, jobs.breedWhole];
const TOO_MUCH: Pair = [jobs.breedTooMuch, jobs.breedTooMuchWhole];
const SPARKS: Pair = [jobs.sparks, jobs.sparksWhole];
const SHOOT: Pair = [jobs.shoot, jobs.shootWhole];
const HURT: Pair = [jobs.hurt, jobs.hurtWhole];
const SORT: Pair = [jobs.sort, jobs.sortWhole];
const PLUS: Pair = [jobs.plus, jobs.plusWhole];

/** A case for each way of calling the jobs. */
function both(name: string, run: (bed: Bed, way: 0 | 1) => Promise<void>): Case[] {
  return ([0, 1] as const).map(way => ({
    name: `${name}: ${way ? 'all rows at once' : 'block by block'}`,
    run: place => withBed(place, bed => run(bed, way)),
  }));
}

function all(world: World, component: typeof Hp | typeof Exact | typeof Vel): Entity[] {
  return [...world.iter(world.makeQuery({ all: [component] }))].map(row => row[0]);
}

/** One who shoots at another one, with a force of 3. */
function duel({ world }: Bed): { target: Entity; aside: Entity } {
  const target = world.spawn([Hp, { v: 5000 }]);
  const aside = world.spawn([Hp, { v: 5000 }]);
  world.spawn([Exact, { who: target, n: 3 }]);
  world.setResource(Rules, { step: 2 });
  return { target, aside };
}

/** A world with work for all of the jobs, some of it in several blocks. */
function crowd(world: World, rows: number): void {
  const many = Array.from({ length: rows }, (_, i) =>
    world.spawn([Pos, { x: i % 97 }], [Hp, { v: i }], ...(i % 50 ? [] : [Red])),
  );
  for (let i = 0; i < rows; i += 3) {
    world.spawn([Exact, { who: many[(i * 7) % rows]!, n: i % 5 }], [Vel, { x: i }]);
  }
  world.setResource(Rules, { step: 2 });
}

/** The world's hash after each of some frames with jobs that do all that jobs can do. */
async function hashes(place: Place, way: 0 | 1, rows: number): Promise<string[]> {
  const found: string[] = [];
  const use = async ({ world, scheduler, clean }: Bed): Promise<void> => {
    crowd(world, rows);
    // Two that sort: what one destroys the other changes.
    [SORT, SORT, PLUS, BREED, SHOOT, HURT].forEach((pair, i) => {
      scheduler.register(pair[way], { name: `system ${i}`, extra: () => 1 as never });
    });
    const first = all(world, Hp)[0]!;
    for (let frame = 0; frame < 6; frame++) {
      world.send(Hit, first, { amount: frame });
      world.input(Steer, 2, frame, first, { turn: frame });
      world.input(Steer, 1, frame, first, { turn: 0.5 });
      await clean();
      ok(world.dropped > 0, 'changes of what is gone were dropped');
      found.push(`${world.size} ${world.dropped} ${world.hash()}`);
    }
  };
  await withBed(place, use, {}, { limits: { entities: 200_000 }, seed: 5 });
  return found;
}

/** What the same frames give in process. */
const IN_PROCESS: Place = {
  name: 'in process',
  options: { executor: 'local' },
  workers: 0,
  sync: true,
  copied: false,
  exits: false,
  job: () => ({}),
};

export const structureCases: Case[] = [
  ...both('what a job spawns has real handles at once, links and values', async (bed, way) => {
    const { world, scheduler, clean } = bed;
    for (let i = 0; i < 40; i++) world.spawn([Pos, { x: 10 * i }], Red);
    scheduler.register(BREED[way]);
    await clean();
    const children = all(world, Exact).map(b => world.get(b, Exact)!);
    equal([world.size, children.length], [120, 40], 'entities');
    const order = children.sort((a, b) => a.n - b.n);
    order.forEach(({ who, n }, i) => {
      equal([n, world.get(who, Vel)], [i, { x: 10 * i, y: 1 }], 'the other one of the pair');
      ok(world.isAlive(who), 'it is alive');
    });
    equal(new Set(all(world, Vel)).size, 80, 'handles');
  }),
  ...both('more spawns than spawnMax are a fault that names it', async (bed, way) => {
    const { world, scheduler, frame } = bed;
    line(world, 5);
    scheduler.register(TOO_MUCH[way]);
    const report = await frame();
    equal(
      report.faults.map(f => [f.system, f.action, f.code]),
      [[TOO_MUCH[way].name, 'skipped', 'E_LIMIT']],
      faultsOf(report),
    );
    match(String(report.faults[0]!.cause), /spawnMax of 3/, 'the cause');
    equal(world.size, 5, 'nothing is left');
  }),
  ...both(
    'prefabs that a job spawns have their values, and what was put on top',
    async (bed, way) => {
      const { world, scheduler, clean } = bed;
      for (let i = 0; i < 4; i++) world.spawn(Vel);
      scheduler.register(SPARKS[way]);
      await clean();
      const made = all(world, Hp);
      equal(
        made.map(e => world.get(e, Hp)!.v).sort((a, b) => a - b),
        [3, 3, 3, 3, 40, 40, 40, 40],
        'Hp',
      );
      ok(
        made.every(e => world.has(e, Pos)),
        `each has all of ${Spark.name}`,
      );
    },
  ),
  ...both('a job that sends, and one behind it that hears: in the same frame', async (bed, way) => {
    const { target, aside } = duel(bed);
    bed.scheduler.register(SHOOT[way]);
    bed.scheduler.register(HURT[way]);
    equal(bed.scheduler.batches().length, 2, 'batches');
    for (let frame = 1; frame <= 3; frame++) {
      await bed.clean();
      const left = [target, aside].map(e => bed.world.get(e, Hp)!.v);
      equal(left, [5000 - 1006 * frame, 5000 - 1000 * frame], `Hp after ${frame} frames`);
    }
  }),
  ...both(
    'a job that hears, and one behind it that sends: a frame later, once',
    async (bed, way) => {
      const { target, aside } = duel(bed);
      bed.scheduler.register(HURT[way]);
      bed.scheduler.register(SHOOT[way], { every: 3 });
      const seen: number[] = [];
      for (let frame = 0; frame < 7; frame++) {
        await bed.clean();
        const [a, b] = [target, aside].map(e => bed.world.get(e, Hp)!.v) as [number, number];
        seen.push(5000 - b);
        equal(b - a, (5000 - b) * 0.006, 'the addressed ones come with those to all');
      }
      equal(seen, [0, 1000, 1000, 1000, 2000, 2000, 2000], 'heard by all');
    },
  ),
  ...both('events and inputs from outside are heard in the next frame, once', async (bed, way) => {
    const { world, scheduler, clean } = bed;
    const target = world.spawn([Hp, { v: 100 }]);
    const gone = world.spawn([Hp, { v: 100 }]);
    scheduler.register(HURT[way]);
    world.send(Hit, target, { amount: 30 });
    world.send(Hit, gone, { amount: 1 });
    world.input(Steer, 1, 0, target, { turn: 7 });
    world.destroy(gone);
    await clean(3);
    equal(world.get(target, Hp)!.v, 77, 'Hp');
  }),
  {
    name: 'what a job kept of its input does nothing any more',
    on: place => place.workers <= 1,
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const [entity] = line(world, 1) as [Entity];
        const watch = world.spawn([Hp, { v: 0 }]);
        scheduler.register(jobs.keeper, { extra: () => 'now' });
        scheduler.register(jobs.lateReport, { stage: 'late' });
        await clean();
        // A worker's microtasks have their turn when it has been without work for a while.
        for (let tries = 0; tries < 500 && world.get(watch, Hp)!.v !== 1; tries++) {
          await new Promise(resolve => setTimeout(resolve, 5));
          await clean();
        }
        equal(xs(world, [entity]), [0], 'x');
        equal(world.get(watch, Hp)!.v, 1, 'what using it gave: an error that says why');
      }),
  },
  ...([0, 1] as const).map((way): Case => ({
    name: `the same hashes as in process: ${way ? 'all rows at once' : 'block by block'}`,
    on: place => !(place.sync && way),
    run: async place => {
      const want = await hashes(IN_PROCESS, way, 2500);
      equal(await hashes(place, way, 2500), want, 'hashes');
      equal(new Set(want).size, want.length, 'each frame changes something');
    },
  })),
  {
    name: 'of one block, the same hashes split or not',
    run: async place => {
      equal(await hashes(place, 1, 90), await hashes(place, 0, 90), 'hashes');
    },
  },
];
