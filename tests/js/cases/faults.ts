// SPDX-License-Identifier: MIT
// The fault contract: whatever a job does, its frame goes on, its whole output of the frame is
// dropped, the others commit, the report names it with its cause, and the next frames run.

import type { Entity, FrameReport, JobError, SchedulerOptions, World } from 'skep';
import { equal, failure, match, ok } from './check.ts';
import { faultsOf, withBed, type Bed, type Case, type Place } from './bed.ts';
import { Hp, Meta, OPos, Pos } from './components.ts';
import { faulty, faultyWhole, fine, giveFunction, type Act } from './faulty.ts';
import { onlyHere } from './only_here.ts';
import { spin } from './spin.ts';

type Style = 'split' | 'whole' | 'notes';
const NAMES: Record<Style, string> = { split: 'faulty', whole: 'faultyWhole', notes: 'notes' };
const ROWS = 3000;

/** A world for faults: rows in three blocks, objects, and what goes on beside. */
interface Stage extends Bed {
  readonly act: Act;
  readonly rows: Entity[];
  readonly objects: Entity[];
  readonly beside: Entity[];
  /** What all of it holds, as one text. */
  state(): string;
}

function register(bed: Bed, place: Place, style: Style, act: Act, more: object = {}): void {
  const extra = (): Act => ({ ...act });
  if (style === 'split') bed.scheduler.register(faulty, { extra, ...more });
  else if (style === 'whole') bed.scheduler.register(faultyWhole, { extra, ...more });
  else {
    bed.scheduler.register({
      name: 'notes',
      offload: {
        ...place.job('faulty'),
        reads: [],
        writes: [OPos],
        extra: () => ({ ...act, POS: OPos.id }),
      },
      ...more,
    });
  }
}

export function withStage(
  place: Place,
  style: Style,
  use: (stage: Stage) => Promise<void>,
  options: SchedulerOptions = {},
  more: object = {},
): Promise<void> {
  return withBed(
    place,
    async bed => {
      const { world } = bed;
      const rows = Array.from({ length: ROWS }, (_, i) => world.spawn([Pos, { x: i }]));
      const objects = Array.from({ length: 5 }, (_, i) => world.spawn([OPos, { x: i, y: 0 }]));
      const beside = Array.from({ length: 10 }, () => world.spawn([Hp, { v: 0 }]));
      const act: Act = { act: 'none', at: 0 };
      register(bed, place, style, act, more);
      bed.scheduler.register(fine);
      await bed.clean(); // jobs are loaded, workers awake
      await use({ ...bed, act, rows, objects, beside, state: () => stateOf(world) });
    },
    { deadlineMs: 2000, ...options },
  );
}

/** The values of the component that the faulty job writes. */
function stateOf(world: World): string {
  let sum = 0;
  let first = NaN;
  world.each({ read: [Pos] }, (n, pos) => {
    if (Number.isNaN(first)) first = pos.x[0]!;
    for (let i = 0; i < n; i++) sum += pos.x[i]! * (1 + (i % 7));
  });
  const objects = [...world.iter(world.makeQuery({ all: [OPos] }))].map(row => row[2]);
  return JSON.stringify([first, sum, objects]);
}

interface Fault {
  readonly act: string;
  readonly styles: readonly Style[];
  readonly on?: (place: Place) => boolean;
  readonly options?: SchedulerOptions;
  /** Not tried again, wherever it runs. */
  readonly once?: boolean;
  check(fault: JobError): void;
}

const ALL: readonly Style[] = ['split', 'whole', 'notes'];

function thrown(type: string, message: RegExp): (fault: JobError) => void {
  return fault => {
    const cause = fault.cause as Error;
    equal(cause.name, type, "the cause's name");
    match(cause.message, message, 'the cause');
    match(String(cause.stack), /faulty/, 'the stack');
    equal(fault.code, 'E_JOB', 'the code');
  };
}

function lost(code: string, text: RegExp): (fault: JobError) => void {
  return fault => {
    equal(fault.code, code, 'the code');
    match(String(fault.cause), text, 'the cause');
  };
}

const workers = (place: Place): boolean => place.workers > 0;
const small = { resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 8 } };

const FAULTS: readonly Fault[] = [
  { act: 'throw', styles: ALL, check: thrown('TypeError', /^thrown on purpose$/) },
  {
    act: 'odd',
    styles: ALL,
    check(fault) {
      const cause = fault.cause as Error & Record<string, unknown>;
      equal([cause.name, cause.message, cause['shelf']], ['OddError', 'odd', 7], 'the cause');
      const between = cause.cause as Error & { cause: Error & { code: string } };
      equal([between.name, between.message], ['TypeError', 'between'], 'its cause');
      ok(between instanceof TypeError && between.cause instanceof RangeError, 'the classes');
      equal([between.cause.message, between.cause.code], ['the root', 'E_ROOT'], 'the root');
    },
  },
  { act: 'text', styles: ALL, check: fault => equal(fault.cause, 'only text', 'the cause') },
  { act: 'hostile', styles: ALL, check: fault => equal(fault.system.length > 0, true, 'a fault') },
  { act: 'deep', styles: ALL, check: thrown('RangeError', /call stack/i) },
  {
    act: 'trap',
    styles: ALL,
    check: fault => equal((fault.cause as Error).name, 'RuntimeError', 'the cause'),
  },
  {
    act: 'promise',
    styles: ['split'],
    check: fault => match(String(fault.cause), /returned a promise/, 'the cause'),
  },
  {
    act: 'promise',
    styles: ['whole', 'notes'],
    check: fault => match(String(fault.cause), /nobody hears it/, 'the cause'),
  },
  {
    act: 'giveFunction',
    styles: ['notes'],
    on: workers,
    check(fault) {
      match(String(fault.cause), /DataCloneError/, 'the cause');
      match(fault.message, /value\.deep\[0\]|DataCloneError/, 'the text');
    },
  },
  ...(['exit0', 'exit1'] as const).map((act): Fault => ({
    act,
    styles: ALL,
    on: place => workers(place) && place.exits,
    check: lost('E_WORKER_LOST', /exited with code [01]|worker \d was lost/),
  })),
  {
    act: 'loop',
    styles: ALL,
    on: workers,
    options: { deadlineMs: 500 },
    check: lost('E_DEADLINE', /longer than (its deadline of )?500 ms/),
  },
  {
    act: 'grow',
    styles: ALL,
    on: place => workers(place) && place.exits,
    options: { ...small, deadlineMs: 0 },
    check: lost('E_WORKER_LOST', /memory|worker \d was lost/i),
  },
];

async function checkFault(stage: Stage, place: Place, style: Style, fault: Fault): Promise<void> {
  const { world, act, rows, beside, state, frame, clean } = stage;
  const before = state();
  const tick = world.tick;
  act.act = fault.act;
  if (style === 'split') act.at = rows[2000]!;
  const report = await frame();
  const bad = report.faults.filter(f => f.action !== 'healed');
  equal(bad.length, 1, `faults: ${faultsOf(report)}`);
  const error = bad[0]!;
  fault.check(error);
  const again = place.workers > 0 && !fault.once;
  equal(
    [error.name, error.system, error.frame, error.action, error.retried],
    ['JobError', NAMES[style], tick, 'skipped', again],
    'the fault',
  );
  if (place.workers === 0) equal(error.worker, 0, 'the worker');
  else ok(error.worker >= 1 && error.worker <= place.workers, `worker ${error.worker}`);
  if (style === 'split') equal(error.block, 1, 'the block');
  match(
    error.message,
    new RegExp(`^fault: system "${NAMES[style]}", frame ${tick}, block `),
    'text',
  );
  ok(report.retries >= (again ? 1 : 0), 'retries');
  equal(state(), before, 'what it writes, which was dropped whole');
  world.check();
  equal(world.get(beside[9]!, Hp), { v: 2 }, 'what others write');
  equal(world.tick, tick + 1, 'the tick');
  act.act = 'none';
  await clean(2);
  equal(world.get(beside[9]!, Hp), { v: 4 }, 'what others write, two frames later');
  ok(state() !== before, 'the job works again');
}

const contract: Case[] = FAULTS.flatMap(fault =>
  fault.styles.map((style): Case => ({
    name: `a ${style} job: ${fault.act}`,
    on: place => (fault.on?.(place) ?? true) && !(place.sync && style !== 'split'),
    run: place =>
      withStage(place, style, stage => checkFault(stage, place, style, fault), fault.options),
  })),
);

/** Once, and never again: the second try heals it. Four in a row would bring quarantine if they
 * counted, which knows no cause; where one costs a worker, one style has four, and where it costs a
 * deadline, none.
 */
const rounds = (what: string, style: Style): number =>
  what === 'throw' || (what === 'exit1' && style === 'split') ? 4 : 1;
const healed: Case[] = (['throw', 'exit1', 'loop'] as const).flatMap(what =>
  ALL.map((style): Case => ({
    name: `a ${style} job: ${what}, once: the second try heals it, and it does not count`,
    on: place => workers(place) && (what === 'throw' || place.exits),
    run: place =>
      withStage(
        place,
        style,
        async ({ act, state, frame, clean, scheduler }) => {
          for (let round = rounds(what, style); round > 0; round--) {
            act.act = what;
            act.gate = new SharedArrayBuffer(4);
            const before = state();
            const report = await frame();
            // On a busy machine a deadline may meet others as well.
            const own = report.faults.filter(f => f.system === NAMES[style]);
            equal(
              own.map(f => [f.action, f.retried]),
              [['healed', true]],
              faultsOf(report),
            );
            ok(own[0]!.cause !== undefined, 'a cause');
            ok(state() !== before, 'the output counts');
            act.act = 'none';
          }
          equal(scheduler.state(NAMES[style]).quarantined, false, 'quarantined');
          await clean();
        },
        { deadlineMs: what === 'loop' ? 500 : 2000 },
      ),
  })),
);

export const faultCases: Case[] = [
  ...contract,
  ...healed,
  {
    name: 'values of objects that cannot be cloned: the fault names the system and the key',
    run: place =>
      withBed(place, async ({ world, scheduler, frame, clean }) => {
        const e = world.spawn([Meta, { title: 'old', tags: [] }]);
        scheduler.register(giveFunction);
        const report = await frame();
        equal(
          report.faults.map(f => f.system),
          ['giveFunction'],
          'faults',
        );
        match(String(report.faults[0]!.cause), /DataCloneError/, 'the cause');
        equal(world.get(e, Meta), { title: 'old', tags: [] }, 'the value');
        scheduler.unregister('giveFunction');
        await clean();
      }),
  },
  {
    name: 'values of objects that cannot be cloned into a job: the fault names component and key',
    run: place =>
      withBed(place, async bed => {
        const { world } = bed;
        world.spawn([OPos, { x: 1, y: 0, call: () => 1 } as never]);
        register(bed, place, 'notes', { act: 'none', at: 0 });
        const report = await bed.frame();
        equal(report.faults.length, 1, 'faults');
        const text = `${report.faults[0]!.message} ${String(report.faults[0]!.cause)}`;
        match(text, /DataCloneError.*call/s, 'the text');
      }),
  },
  ...['no_handle', 'throws_on_load', 'not_there'].map((name): Case => ({
    name: `a notes' module that is ${name}: E_MODULE, no second try, and the run does the work`,
    on: place => !place.sync,
    run: place =>
      withBed(place, async ({ world, scheduler, frame }) => {
        const e = world.spawn([OPos, { x: 1, y: 0 }], Hp);
        let ran = 0;
        const offload = { ...place.job(name), reads: [], writes: [OPos] };
        scheduler.register({ name: 'bare', offload });
        scheduler.register({
          name: 'backed',
          offload,
          run: ({ world: w }) => {
            ran++;
            w.set(e, OPos, { x: 9, y: 9 });
          },
        });
        scheduler.register(fine);
        const report = await frame();
        equal(
          report.faults.map(f => [f.system, f.action, f.code, f.retried]),
          [
            ['bare', 'skipped', 'E_MODULE', false],
            ['backed', 'fallback', 'E_MODULE', false],
          ],
          faultsOf(report),
        );
        equal(
          [ran, world.get(e, OPos), world.get(e, Hp)],
          [1, { x: 9, y: 9 }, { v: 101 }],
          'world',
        );
      }),
  })),
  {
    name: 'a split job whose module cannot be loaded in workers runs on the caller, which is said',
    run: place =>
      withBed(place, async ({ world, scheduler, clean, log }) => {
        const e = world.spawn([Pos, { x: 1 }], Hp);
        scheduler.register(onlyHere);
        scheduler.register(fine);
        await clean(2);
        equal([world.get(e, Pos)!.x, world.get(e, Hp)!.v], [3, 102], 'values');
        const said = log.filter(line => line.includes('onlyHere'));
        equal(said.length, place.workers && !place.sync ? 1 : 0, `said: ${log.join('\n')}`);
        if (said.length) match(said[0]!, /runs on the caller: .*not in workers/, 'the reason');
      }),
  },
  {
    name: 'the fallback does the work when the job failed, and is swapped back when it fails too',
    run: place => {
      let mode = 'good';
      const run = ({ world }: { world: World }): void => {
        for (const [e] of world.iter(world.makeQuery({ all: [Pos] }))) world.set(e, Pos, { x: -3 });
        if (mode === 'bad') throw new RangeError('the fallback too');
      };
      return withStage(
        place,
        'split',
        async ({ act, rows, world, frame, clean }) => {
          act.act = 'throw';
          const report = await frame();
          equal(
            report.faults.map(f => [f.system, f.action]),
            [['faulty', 'fallback']],
            'faults',
          );
          equal(
            [rows[0]!, rows[2999]!].map(e => world.get(e, Pos)!.x),
            [-3, -3],
            'x',
          );
          mode = 'bad';
          world.set(rows[5]!, Pos, { x: 55 });
          const second = await frame();
          equal(
            second.faults.map(f => [f.system, f.action]),
            [['faulty', 'skipped']],
            'faults',
          );
          equal(
            [rows[0]!, rows[5]!].map(e => world.get(e, Pos)!.x),
            [-3, 55],
            'x, swapped back',
          );
          mode = 'good';
          act.act = 'none';
          await clean();
          equal(
            [rows[0]!, rows[5]!].map(e => world.get(e, Pos)!.x),
            [-2, 56],
            'x',
          );
        },
        {},
        { run },
      );
    },
  },
  {
    name: 'three faults in 60 frames bring quarantine, which ends by call or by time, and grows',
    run: place =>
      withStage(
        place,
        'split',
        async ({ act, state, frame, clean, scheduler }) => {
          const quarantined = (): boolean => scheduler.state('faulty').quarantined;
          act.act = 'throw';
          const actions: string[] = [];
          for (let i = 0; i < 3; i++) actions.push((await frame()).faults[0]!.action);
          equal(actions, ['skipped', 'skipped', 'quarantined'], 'actions');
          ok(quarantined(), 'it is in quarantine');
          act.act = 'none';
          const before = state();
          const wait = async (): Promise<number> => {
            let frames = 0;
            for (; quarantined(); frames++) await clean();
            return frames;
          };
          equal(await wait(), 60, 'frames in quarantine');
          equal(state(), before, 'it did not run');
          await clean();
          ok(state() !== before, 'it runs');
          act.act = 'throw';
          for (let i = 0; i < 3; i++) await frame();
          act.act = 'none';
          equal(await wait(), 120, 'frames in quarantine the second time');
          act.act = 'throw';
          for (let i = 0; i < 3; i++) await frame();
          act.act = 'none';
          ok(quarantined(), 'a third time');
          scheduler.release('faulty');
          const released = state();
          await clean();
          ok(!quarantined() && state() !== released, 'released, it runs at once');
          equal(
            (await failure(() => scheduler.release('nobody')))['code'],
            'E_ARGUMENT',
            'unknown',
          );
        },
        {},
        {},
      ),
  },
  {
    name: 'in quarantine the fallback goes on doing the work',
    run: place => {
      let ran = 0;
      return withStage(
        place,
        'split',
        async ({ act, frame, clean }) => {
          act.act = 'throw';
          for (let i = 0; i < 3; i++) await frame();
          equal(ran, 3, 'as the fallback');
          await clean(2);
          equal(ran, 5, 'in quarantine');
        },
        {},
        { run: () => void ran++ },
      );
    },
  },
  {
    name: 'onFault: a function gets each fault; "throw" rejects when the frame is over',
    run: async place => {
      const told: string[] = [];
      await withStage(
        place,
        'split',
        async ({ act, frame }) => {
          act.act = 'throw';
          await frame();
          equal(told, ['faulty skipped'], 'told');
        },
        { onFault: fault => told.push(`${fault.system} ${fault.action}`) },
      );
      await withStage(
        place,
        'split',
        async ({ act, frame, world, beside, clean }) => {
          act.act = 'throw';
          const error = await failure(() => frame());
          equal(
            [error.name, error['system'], (error.cause as Error).message],
            ['JobError', 'faulty', 'thrown on purpose'],
            'the rejection',
          );
          equal([world.tick, world.get(beside[0]!, Hp)], [2, { v: 2 }], 'the frame is over');
          act.act = 'none';
          await clean();
        },
        { onFault: 'throw' },
      );
    },
  },
  {
    name: 'an endless job has a deadline of its own, and one without any is left alone',
    on: place => workers(place) && place.exits,
    run: place =>
      withBed(
        place,
        async ({ world, scheduler, frame }) => {
          world.spawn(Pos, Hp, OPos);
          const act = { act: 'loop', at: 0 } as Act;
          scheduler.register(faulty, { deadlineMs: 120, extra: () => act });
          scheduler.register(faultyWhole, { deadlineMs: 130, extra: () => act });
          scheduler.register(fine);
          const report = await frame();
          equal(
            report.faults.map(f => [f.system, f.code]),
            [
              ['faulty', 'E_DEADLINE'],
              ['faultyWhole', 'E_DEADLINE'],
            ],
            faultsOf(report),
          );
          match(String(report.faults[0]!.cause), /120 ms/, 'the first');
          match(String(report.faults[1]!.cause), /130 ms/, 'the second');
        },
        { deadlineMs: 0 },
      ),
  },
  {
    name: "no deadline: a job that takes longer than the scheduler's own limit is left alone",
    on: workers,
    run: place =>
      withBed(
        place,
        async ({ world, scheduler, clean }) => {
          world.spawn(Pos, Hp);
          scheduler.register(spin, { deadlineMs: 0, extra: () => 350 });
          await clean();
        },
        { deadlineMs: 100 },
      ),
  },
];

/** A report's faults without what depends on who ran what. */
export function outline(report: FrameReport): unknown[] {
  return report.faults.map(f => [f.system, f.action, f.frame]);
}
