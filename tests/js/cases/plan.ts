// SPDX-License-Identifier: MIT
// Order, batches and the life of systems: the scheduler of the notes' sketch with its defects (S),
// each as it should be.

import type { Entity, SystemContext } from 'skep';
import { equal, failure, match, ok } from './check.ts';
import { withBed, type Bed, type Case } from './bed.ts';
import { Blue, Hp, OPos, OVel, Pos, Red, Vel } from './components.ts';
import { line, notes, objectLine, oxs, planError, xs } from './data.ts';
import * as jobs from './jobs.ts';

/** A run that says that it ran. */
function run(
  { scheduler }: Bed,
  ran: string[],
  name: string,
  more: {
    reads?: readonly (typeof Pos | typeof Vel | typeof Hp)[];
    writes?: readonly (typeof Pos | typeof Vel | typeof Hp)[];
    after?: string | string[];
    before?: string | string[];
    stage?: string;
    every?: number;
    enabled?: boolean;
    skipIfEmpty?: boolean;
  } = {},
): () => void {
  return scheduler.register({ name, run: () => void ran.push(name), ...more } as never);
}

export const planCases: Case[] = [
  {
    name: 'S1: a reader is never put before what it depends on',
    run: place =>
      withBed(place, async bed => {
        const ran: string[] = [];
        run(bed, ran, 'writeX', { writes: [Pos] });
        run(bed, ran, 'readX', { reads: [Pos], writes: [Vel] });
        run(bed, ran, 'readY', { reads: [Vel] });
        equal(bed.scheduler.batches(), [['writeX'], ['readX'], ['readY']], 'batches');
        await bed.clean();
        equal(ran, ['writeX', 'readX', 'readY'], 'ran');
      }),
  },
  {
    name: 'S2: after and before hold without shared data',
    run: place =>
      withBed(place, async bed => {
        const ran: string[] = [];
        run(bed, ran, 'c', { reads: [Pos], after: ['a', 'b'] });
        run(bed, ran, 'b', { reads: [Vel], after: 'a' });
        run(bed, ran, 'a', { reads: [Hp], before: 'c' });
        run(bed, ran, 'free', { reads: [Hp] });
        equal(bed.scheduler.batches(), [['a', 'free'], ['b'], ['c']], 'batches');
        await bed.clean();
        ok(ran.indexOf('a') < ran.indexOf('b') && ran.indexOf('b') < ran.indexOf('c'), `${ran}`);
      }),
  },
  {
    name: 'S3: a reader may be before its writer',
    run: place =>
      withBed(place, async bed => {
        const ran: string[] = [];
        run(bed, ran, 'write', { writes: [Pos] });
        run(bed, ran, 'read', { reads: [Pos], before: 'write' });
        equal(bed.scheduler.batches(), [['read'], ['write']], 'batches');
        await bed.clean();
      }),
  },
  {
    name: 'S4 S5 S6: unknown names, names twice, unknown stages and cycles are told all at once',
    run: place =>
      withBed(place, async bed => {
        const { scheduler, world } = bed;
        const ran: string[] = [];
        const off = [
          run(bed, ran, 'shoot', { reads: [Pos] }),
          run(bed, ran, 'hurt', { reads: [Pos], after: 'shot' }),
          run(bed, ran, 'twice', { reads: [Pos] }),
          run(bed, ran, 'twice', { reads: [Vel] }),
          run(bed, ran, 'lost', { reads: [Pos], stage: 'updat' }),
          run(bed, ran, 'one', { reads: [Pos], after: 'two' }),
          run(bed, ran, 'two', { reads: [Pos], after: 'one' }),
        ];
        for (const call of [
          () => bed.frame(),
          () => scheduler.compile(),
          () => scheduler.order(),
        ]) {
          const text = await planError(call);
          match(text, /system "hurt": after "shot": .*did you mean "shoot"/, 'the unknown name');
          match(text, /"twice"/, 'the name twice');
          match(text, /system "lost": .*"updat".*/, 'the unknown stage');
          match(text, /"one".*"two"|"two".*"one"/s, 'the cycle');
          match(text, /^4 mistakes, nothing was run/, 'the count');
        }
        const error = await failure(() => scheduler.compile());
        equal(
          (error['systems'] as string[]).slice().sort(),
          ['hurt', 'lost', 'one', 'shoot', 'twice', 'two'],
          'systems that are named',
        );
        equal((error['mistakes'] as string[]).length, 4, 'mistakes');
        equal([ran, world.tick], [[], 0], 'nothing ran');
        for (const remove of off.slice(1)) remove();
        await bed.clean();
        equal(ran, ['shoot'], 'ran when the mistakes were gone');
      }),
  },
  {
    name: 'S7: systems come and go between frames, also from inside one',
    run: place =>
      withBed(place, async bed => {
        const { scheduler, world } = bed;
        const entities = line(world, 2);
        const ran: string[] = [];
        let changed = false;
        await bed.clean();
        const remove = run(bed, ran, 'first');
        await bed.clean();
        scheduler.register(jobs.move);
        scheduler.register({
          name: 'inside',
          run() {
            if (changed) return;
            changed = true;
            remove();
            run(bed, ran, 'late');
          },
        });
        await bed.clean(3);
        equal(ran, ['first', 'first', 'late', 'late'], 'ran');
        equal(xs(world, entities), [3, 103], 'x');
        equal([scheduler.unregister('move'), scheduler.unregister('move')], [true, false], 'gone');
        await bed.clean(2);
        equal(xs(world, entities), [3, 103], 'x without the job');
        scheduler.register(jobs.move);
        await bed.clean();
        equal(xs(world, entities), [4, 104], 'x with it again');
      }),
  },
  {
    name: 'S7: systems that come and go a hundred times leave no memory behind',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        line(world, 10);
        scheduler.register({ name: 'stays', reads: [Pos], run: () => {} });
        const heap = (): number => {
          const { host } = world as unknown as {
            host: {
              instance: { u32: Uint32Array };
              layout: {
                heapAt: number;
              };
            };
          };
          return host.instance.u32[host.layout.heapAt >> 2]!;
        };
        const round = async (): Promise<void> => {
          const off = [
            scheduler.register(jobs.move, { after: 'stays' }),
            scheduler.register(jobs.moveWhole),
            scheduler.register(jobs.counted),
          ];
          await clean();
          for (const remove of off) remove();
          await clean();
        };
        for (let i = 0; i < 5; i++) await round();
        const before = heap();
        for (let i = 0; i < 30; i++) await round();
        equal(heap() - before, 0, 'bytes more');
      }),
  },
  {
    name: 'S8: startup runs once, stages in their order, `every` in its frames',
    run: place =>
      withBed(place, async bed => {
        const ran: string[] = [];
        for (const stage of ['cleanup', 'render', 'late', 'input', 'startup']) {
          run(bed, ran, stage, { stage });
        }
        run(bed, ran, 'update');
        run(bed, ran, 'third', { every: 3 });
        await bed.clean(4);
        equal(ran.filter(name => name === 'startup').length, 1, 'startups');
        equal(
          ran.slice(0, 7),
          ['startup', 'input', 'update', 'third', 'late', 'render', 'cleanup'],
          'the first frame',
        );
        equal(ran.filter(name => name === 'third').length, 2, 'every third of 4 frames, from 0');
      }),
  },
  {
    name: "S8: stages of the user's own",
    run: place =>
      withBed(
        place,
        async bed => {
          const ran: string[] = [];
          run(bed, ran, 'b', { stage: 'second' });
          run(bed, ran, 'a', { stage: 'first' });
          await bed.clean();
          equal(ran, ['a', 'b'], 'ran');
          run(bed, ran, 'c');
          match(await planError(() => bed.frame()), /"update"/, 'a stage that is not there');
        },
        { stages: ['first', 'second'] },
      ),
  },
  {
    name: 'S9: jobs are part of the conflict analysis, split, whole and by the notes',
    run: place =>
      withBed(place, async bed => {
        const { scheduler, world } = bed;
        const typed = line(world, 3);
        const objects = objectLine(world, 3);
        const seen: unknown[] = [];
        scheduler.register(jobs.move);
        scheduler.register({
          name: 'see',
          reads: [Pos],
          run: () => void seen.push(xs(world, typed)),
        });
        scheduler.register(jobs.moveWhole);
        notes(bed, place, 'move', { name: 'n' });
        scheduler.register({
          name: 'seeO',
          reads: [OPos],
          run: () => void seen.push(oxs(world, objects)),
        });
        equal(scheduler.batches(), [['move', 'n'], ['see', 'seeO'], ['moveWhole']], 'batches');
        await bed.clean();
        equal(
          seen,
          [
            [1, 101, 201],
            [1, 101, 201],
          ],
          'what the runs saw',
        );
        equal(xs(world, typed), [2, 102, 202], 'x at the end');
      }),
  },
  {
    name: 'S9: a run that did not say what it uses shares a batch with nobody',
    run: place =>
      withBed(place, async bed => {
        const ran: string[] = [];
        line(bed.world, 1);
        bed.scheduler.register(jobs.move);
        run(bed, ran, 'any');
        bed.scheduler.register(jobs.counted);
        equal(bed.scheduler.batches(), [['move'], ['any'], ['counted']], 'batches');
        await bed.clean();
      }),
  },
  {
    name: 'S10: two jobs in the first batch make one pool',
    on: place => place.workers > 0 && !place.sync,
    run: place =>
      withBed(place, async bed => {
        objectLine(bed.world, 3);
        notes(bed, place, 'move', { name: 'a' });
        notes(bed, place, 'nothing', { name: 'b', reads: [OVel], writes: [] });
        equal(bed.scheduler.batches(), [['a', 'b']], 'batches');
        const [first, second] = [bed.frame(), bed.frame()];
        ok(first !== undefined && (await first) === (await second), 'one frame');
        const { pool } = bed.scheduler;
        await bed.clean();
        ok(bed.scheduler.pool === pool && pool!.size === place.workers, `${pool?.size} workers`);
      }),
  },
  {
    name: 'S11: skipIfEmpty keeps a run from being called while nothing matches',
    run: place =>
      withBed(place, async bed => {
        const ran: string[] = [];
        run(bed, ran, 'skips', { reads: [Hp], skipIfEmpty: true });
        run(bed, ran, 'runs', { reads: [Hp] });
        await bed.clean();
        equal(ran, ['runs'], 'ran without entities');
        bed.world.spawn(Hp);
        await bed.clean();
        equal(ran, ['runs', 'skips', 'runs'], 'ran with one');
      }),
  },
  {
    name: "S11: skipIfEmpty keeps the notes' job from being called while nothing matches",
    run: place =>
      withBed(place, async bed => {
        let extras = 0;
        bed.scheduler.register({
          name: 'n',
          skipIfEmpty: true,
          offload: {
            ...place.job('notes_job'),
            reads: [OVel],
            writes: [OPos],
            extra: () => {
              extras++;
              return { act: 'throw' };
            },
          },
        });
        await bed.clean();
        objectLine(bed.world, 1);
        equal((await bed.frame()).faults.length, 1, 'called with one');
        ok(extras >= 1, 'extra was asked');
      }),
  },
  {
    name: 'S12: calls for a frame while one runs give that one, and are counted',
    on: place => !place.sync,
    run: place =>
      withBed(place, async bed => {
        const { world, scheduler } = bed;
        objectLine(world, 2);
        notes(bed, place, 'later', { ms: 30 });
        const frames = [1, 2, 3].map(() => scheduler.runFrame(1));
        ok(frames[0] === frames[1] && frames[1] === frames[2], 'one promise');
        const error = await failure(async () => {
          await new Promise(resolve => setTimeout(resolve, 10));
          if (!world.busy) await new Promise(resolve => setTimeout(resolve, 10));
          return scheduler.tick(1);
        });
        equal(error['code'], 'E_BUSY', 'a tick meanwhile');
        const report = await frames[0]!;
        equal([report.overlaps, scheduler.overlaps, world.tick], [2, 2, 1], 'overlaps and tick');
      }),
  },
  {
    name: 'S12: a frame that cannot be run, and nobody waits for, ends no process',
    on: place => !place.sync,
    run: place =>
      withBed(place, async bed => {
        bed.scheduler.register({ name: 'a', after: 'nobody', run: () => {} });
        for (let i = 0; i < 3; i++) {
          void bed.scheduler.runFrame(1);
          await new Promise(resolve => setTimeout(resolve, 5));
        }
        await failure(() => bed.scheduler.runFrame(1));
        const said = bed.log.filter(text => text.startsWith('3 PlanError'));
        equal(said.length, 1, `the log says it once: ${bed.log.join('\n')}`);
      }),
  },
  {
    name: 'S13: commands that cannot be made leave no frame open',
    run: place =>
      withBed(
        place,
        async ({ world, scheduler, frame, clean }) => {
          const [entity] = line(world, 1);
          let many = true;
          scheduler.register({
            name: 'flood',
            run: ({ world: w }) => {
              if (many) for (let i = 0; i < 50; i++) w.spawn(Pos);
            },
          });
          scheduler.register(jobs.move);
          const report = await frame();
          equal(
            report.faults.map(f => [f.system, f.code]),
            [['flood', 'E_LIMIT']],
            'faults',
          );
          equal([world.busy, world.size, world.tick], [false, 1, 1], 'the world');
          many = false;
          await clean();
          equal(xs(world, [entity!]), [2], 'x');
        },
        {},
        { limits: { entities: 20 } },
      ),
  },
  {
    name: 'runs that throw are swapped back whole, objects included, and the frame goes on',
    run: place =>
      withBed(place, async ({ world, scheduler, frame }) => {
        const entities = line(world, 3);
        const objects = objectLine(world, 3);
        scheduler.register({
          name: 'bad',
          run: ({ world: w, cmd }) => {
            w.set(entities[0]!, Pos, { x: -1 });
            w.each({ write: [Vel] }, (n, vel) => vel.x.fill(-1));
            w.set(objects[0]!, OPos, { x: -1, y: -1 });
            w.get(objects[1]!, OPos)!.x = -1;
            w.add(objects[2]!, OVel, { x: -1, y: 0 });
            w.spawn(Pos, OPos);
            w.destroy(entities[2]!);
            cmd.add(entities[1]!, Red);
            throw new TypeError('on purpose');
          },
        });
        scheduler.register(jobs.move);
        const report = await frame();
        const fault = report.faults[0]!;
        equal(
          [report.faults.length, fault.system, fault.action, fault.block, fault.frame],
          [1, 'bad', 'skipped', null, 0],
          'the fault',
        );
        ok(fault.cause instanceof TypeError && fault.cause.stack!.includes('plan.ts'), 'the cause');
        equal(xs(world, entities), [1, 101, 201], 'x');
        equal(oxs(world, objects), [0, 100, 200], 'objects');
        equal(world.get(objects[2]!, OVel), { x: 1, y: 0 }, 'OVel');
        equal([world.size, world.has(entities[1]!, Red)], [6, false], 'entities');
      }),
  },
  {
    name: 'a run that declared what it uses may write nothing else, and the error says what',
    run: place =>
      withBed(place, async ({ world, scheduler, frame }) => {
        const [entity] = line(world, 1) as [Entity];
        const [object] = objectLine(world, 1) as [Entity];
        const texts: string[] = [];
        const tries: Record<string, (context: SystemContext) => void> = {
          set: ({ world: w }) => void w.set(entity, Vel, { x: 5 }),
          each: ({ world: w }) => w.each({ write: [Vel] }, (n, vel) => vel.x.fill(5)),
          add: ({ world: w }) => w.add(entity, Hp, { v: 1 }),
          remove: ({ world: w }) => w.remove(entity, Vel),
          spawn: ({ world: w }) => void w.spawn(Hp),
          destroy: ({ world: w }) => w.destroy(entity),
          object: ({ world: w }) => void w.set(object, OPos, { x: 5, y: 5 }),
        };
        for (const [name, call] of Object.entries(tries)) {
          scheduler.register({
            name,
            reads: [Vel],
            writes: [Pos],
            run: context => {
              context.world.set(entity, Pos, { x: -5 });
              call(context);
            },
          });
        }
        const report = await frame();
        for (const fault of report.faults) texts.push(`${fault.system} ${fault.code}`);
        equal(
          texts,
          Object.keys(tries).map(name => `${name} E_ACCESS`),
          'faults',
        );
        match(String(report.faults[0]!.cause), /system "set".*Vel/, 'the text');
        equal(
          [xs(world, [entity]), world.get(entity, Vel), world.get(object, OPos), world.size],
          [[0], { x: 1, y: 0 }, { x: 0, y: 0 }, 2],
          'the world',
        );
      }),
  },
  {
    name: 'a run sees its own writes and commands at once, and jobs of later batches see them too',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const [entity] = line(world, 1) as [Entity];
        const seen: unknown[] = [];
        scheduler.register({
          name: 'write',
          run: ({ world: w }) => {
            w.set(entity, Pos, { x: 10 });
            w.add(entity, Red);
            const made = w.spawn([Pos, { x: 20 }], [Vel, { x: 1 }]);
            seen.push(xs(w, [entity, made]), w.has(entity, Red), w.count({ with: [Pos] }));
            w.destroy(made);
            seen.push(w.isAlive(made));
          },
        });
        scheduler.register(jobs.move);
        await clean();
        equal(seen, [[10, 20], true, 1, false], 'what the run saw');
        equal(xs(world, [entity]), [11], 'x');
      }),
  },
  {
    name: 'writes from outside while a frame runs wait for its end, objects too',
    on: place => !place.sync,
    run: place =>
      withBed(place, async bed => {
        const { world, scheduler } = bed;
        const [object, other] = objectLine(world, 2) as [Entity, Entity];
        const [entity] = line(world, 1) as [Entity];
        notes(bed, place, 'later', { ms: 40 });
        scheduler.register({
          name: 'see',
          stage: 'late',
          run: ({ world: w }) =>
            void seen.push(w.get(entity, Pos)?.x, w.get(other, OPos)?.x, w.has(entity, Red)),
        });
        scheduler.register(jobs.move, { stage: 'late', after: 'see' });
        const seen: unknown[] = [];
        const frame = scheduler.runFrame(1);
        while (!world.busy) await new Promise(resolve => setTimeout(resolve, 1));
        world.set(entity, Pos, { x: 50 });
        world.add(entity, Red);
        world.set(other, OPos, { x: 60, y: 0 });
        equal((await failure(() => world.spawn(Pos)))['code'], 'E_BUSY', 'a handle cannot wait');
        const report = await frame;
        equal(report.faults, [], 'faults');
        equal(seen, [0, 101, false], 'what the frame saw');
        equal(world.get(other, OPos)?.x, 60, 'the object after the frame');
        await bed.clean();
        equal(xs(world, [entity]), [51], 'x after the next frame');
        equal([world.has(entity, Red), world.get(object, OPos)?.x], [true, 2], 'the rest');
      }),
  },
  {
    name: 'enable, disable and state',
    run: place =>
      withBed(place, async bed => {
        const { scheduler } = bed;
        const ran: string[] = [];
        run(bed, ran, 'off', { enabled: false });
        run(bed, ran, 'on');
        await bed.clean();
        equal(ran, ['on'], 'ran');
        equal(
          [scheduler.state('off').enabled, scheduler.state('on').enabled],
          [false, true],
          'state',
        );
        scheduler.enable('off', true);
        scheduler.enable('on', false);
        await bed.clean();
        equal(ran, ['on', 'off'], 'ran the other way round');
        equal(
          (await failure(() => scheduler.enable('none', true)))['code'],
          'E_ARGUMENT',
          'unknown',
        );
        equal(
          (await failure(() => scheduler.register({ name: 'x' } as never)))['code'],
          'E_ARGUMENT',
          'a system without work',
        );
        equal(
          (await failure(() => scheduler.register({ run() {} } as never)))['code'],
          'E_ARGUMENT',
          'a system without a name',
        );
      }),
  },
  {
    name: 'dt, time and tick: the sum of dt, or what the caller passes; what is none is refused',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const entity = world.spawn(jobs.clock.writes[0]);
        const exact = (): unknown => {
          const { d, n, list } = world.get(entity, jobs.clock.writes[0])!;
          return [d, n, list[0]];
        };
        const times: number[] = [];
        scheduler.register(jobs.clock);
        scheduler.register({ name: 'run', run: c => void times.push(c.time, c.tick, c.dt) });
        await clean(3, 0.5);
        equal(exact(), [1, 2, 50], 'the third frame');
        equal(times.slice(6), [1, 2, 0.5], 'in a run');
        const frame = (dt: number, time?: number): unknown =>
          place.sync ? scheduler.tick(dt, time) : scheduler.runFrame(dt, time);
        await frame(0.25, 1000.5);
        equal(exact(), [1000.5, 3, 25], 'with a time');
        equal(times.slice(9), [1000.5, 3, 0.25], 'in a run');
        equal(world.time, 1000.75, 'the time goes on from there');
        await clean(1, 0);
        equal(world.time, 1000.75, 'a frame of no length');
        for (const bad of [-1, NaN]) {
          equal((await failure(() => frame(bad)))['code'], 'E_ARGUMENT', `dt ${bad}`);
        }
        equal([world.busy, world.tick], [false, 5], 'the world');
      }),
  },
  {
    name: 'tags and optional systems: Blue stays where it is when nothing names it',
    run: place =>
      withBed(place, async ({ world, scheduler, clean }) => {
        const e = world.spawn(Blue, [Pos, { x: 3 }], Vel);
        scheduler.register(jobs.sort);
        await clean(2);
        equal([world.has(e, Blue), world.has(e, Red)], [true, true], 'tags');
      }),
  },
];
