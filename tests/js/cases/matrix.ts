// SPDX-License-Identifier: MIT
// The matrix of faults: every kind of fault on an executor with workers, in a world beside which a
// second one runs in process and without faults. Where the second try heals, both have the same
// hash; where it does not, the second world's job throws in the same frame, and the hash is the
// same again: what a frame does depends on who failed, never on how or where.

import {
  ParallelScheduler,
  World,
  type Entity,
  type FaultAction,
  type FrameReport,
  type JobError,
  type SchedulerOptions,
} from 'skep';
import { equal, match, ok } from './check.ts';
import { faultsOf, type Place as Where } from './bed.ts';
import {
  Card,
  CRASHES,
  Deck,
  Flag,
  HARMLESS,
  liar,
  Mark,
  Other,
  Place,
  POOL_LIES,
  steady,
  TASK_LIES,
  WHOLE_LIES,
  wholeLiar,
  type Lie,
} from './liar.ts';

export type Style = 'split' | 'whole';

/** A kind of fault, and what is said of it. */
export interface Kind {
  readonly how: string;
  readonly code: RegExp;
  readonly cause: RegExp;
  /** Others are told as well, whose worker was lost. */
  readonly loses: boolean;
}

const kinds = (
  from: Readonly<Record<string, unknown>>,
  code: RegExp,
  cause: RegExp,
  loses = false,
): Kind[] => Object.keys(from).map(how => ({ how, code, cause, loses }));

const NONE = /message that is none|damaged message/;
const LIE_CAUSES: Readonly<Record<string, RegExp>> = {
  'no output': /0 bytes of output/,
  'oversize output': /bytes of output/,
  'truncated output': /bytes of output/,
  'patches of a size beyond all bounds': /size that was not asked for/,
};
/** Answers that cannot be read: their worker is replaced. */
const UNREADABLE = new Set([
  'output that is no memory',
  'a size that is none',
  'a status that there is none of',
  'a time that is none',
  'an answer that is null',
  'an answer of no kind',
  'a list that is none',
]);

/** Lies about tasks, on workers without shared memory. */
export const taskLies: readonly Kind[] = Object.keys(TASK_LIES).map(how =>
  UNREADABLE.has(how)
    ? { how, code: /E_WORKER_LOST/, cause: NONE, loses: true }
    : { how, code: /E_ACCESS/, cause: LIE_CAUSES[how] ?? /./, loses: false },
);
export const wholeLies = kinds(WHOLE_LIES, /E_ACCESS|E_JOB/, /./);
export const poolLies = kinds(POOL_LIES, /E_WORKER_LOST|E_JOB/, /message|error/i, true);

/** What ends a call or a thread. `own`: of those, which. */
export function crashes(own: readonly string[]): Kind[] {
  const all: Readonly<Record<string, Omit<Kind, 'how'>>> = {
    throw: { code: /E_JOB/, cause: /thrown on purpose/, loses: false },
    'stack overflow': { code: /E_JOB/, cause: /call stack|recursion/i, loses: false },
    trap: { code: /E_JOB/, cause: /unreachable/, loses: false },
    exit: { code: /E_WORKER_LOST/, cause: /exit|ended|closed|lost/, loses: true },
    loop: { code: /E_DEADLINE/, cause: /longer than/, loses: true },
    'out of memory': { code: /E_WORKER_LOST/, cause: /memory|lost/i, loses: true },
  };
  equal(Object.keys(all), Object.keys(CRASHES), 'the kinds');
  return own.map(how => ({ how, ...all[how]! }));
}

const ROWS = 2500;

/** A world with one system that lies, and one that does not. */
class Side {
  readonly world = new World({ seed: 11, memoryMax: 64 << 20 });
  readonly scheduler: ParallelScheduler;
  readonly lie: Lie;
  readonly told: JobError[] = [];
  readonly name: string;

  constructor(style: Style, options: SchedulerOptions) {
    const { world } = this;
    const rows = world.spawnMany([Place, Mark, Flag, Other], ROWS);
    const at: Entity = rows[1500]!;
    if (style === 'whole') {
      for (const row of rows) {
        world.add(row, Card, { title: 'c' });
        world.add(row, Deck, { title: 'd' });
      }
    }
    this.lie = { how: 'none', at };
    this.scheduler = new ParallelScheduler(world, { grain: 0, log: () => {}, ...options });
    const job = style === 'split' ? liar : wholeLiar;
    this.name = job.name;
    const extra = (): Lie => ({ ...this.lie });
    if (style === 'split') this.scheduler.register(liar, { extra });
    else this.scheduler.register(wholeLiar, { extra });
    this.scheduler.register(steady);
    this.scheduler.on('fault', fault => void this.told.push(fault));
  }

  async frame(): Promise<FrameReport> {
    this.told.length = 0;
    const report = await this.scheduler.runFrame(1 / 60);
    equal(this.told.length, report.faults.length, 'faults told');
    ok(
      this.told.every((fault, i) => fault === report.faults[i]),
      'what is told is what is reported',
    );
    return report;
  }

  titles(): string {
    const titles = new Set<string>();
    this.world.each({ read: [Place] }, (n, _, entities) => {
      for (let i = 0; i < n; i++) {
        const e = entities.at(i);
        titles.add(`${this.world.get(e, Card)?.title} ${this.world.get(e, Deck)?.title}`);
      }
    });
    return [...titles].join();
  }
}

/** What was reported of the system that lied. */
function own(report: FrameReport, name: string): JobError {
  const faults = report.faults.filter(fault => fault.system === name);
  equal(faults.length, 1, `faults of ${name}: ${faultsOf(report)}`);
  return faults[0]!;
}

function checkWords(fault: JobError, kind: Kind, frame: number, action: FaultAction): void {
  const { how } = kind;
  equal([fault.frame, fault.action, fault.retried], [frame, action, true], how);
  match(fault.code, kind.code, `${how}: code`);
  match(String(fault.cause), kind.cause, `${how}: cause`);
  ok(fault.worker >= 1, `${how}: worker ${fault.worker}`);
  const record = JSON.parse(JSON.stringify(fault)) as Record<string, unknown>;
  equal(
    [record['frame'], record['system'], record['block'], record['worker'], record['action']],
    [frame, fault.system, fault.block, fault.worker, action],
    `${how}: as JSON`,
  );
  ok(typeof record['cause'] === 'string' && record['cause'] !== '', `${how}: its text`);
}

export interface MatrixOptions extends SchedulerOptions {
  /** Threads share nothing, so who goes wrong once is told by its worker's generation. */
  apart?: boolean;
}

/** Runs all kinds, one after the other: healed by the second try, and failing again. */
export async function runMatrix(
  where: Where,
  style: Style,
  list: readonly Kind[],
  options: MatrixOptions = {},
): Promise<string[]> {
  const { apart = false, ...more } = options;
  const side = new Side(style, { deadlineMs: 10_000, ...where.options, ...more });
  const calm = new Side(style, { executor: 'local' });
  const ran: string[] = [];
  try {
    const both = async (): Promise<FrameReport> => {
      const [report] = [await side.frame(), await calm.frame()];
      equal(side.world.hash(), calm.world.hash(), `the hash after ${side.lie.how}`);
      equal(side.titles(), calm.titles(), `objects after ${side.lie.how}`);
      side.world.check();
      return report;
    };
    equal((await both()).faults.length, 0, 'faults of an honest frame');
    for (const kind of list) {
      const { how } = kind;
      side.lie.how = how;
      if (apart) side.lie.once = true;
      else side.lie.gate = new SharedArrayBuffer(4);
      const healed = await both();
      checkWords(own(healed, side.name), kind, side.world.tick - 1, 'healed');
      ok(kind.loses || healed.faults.length === 1, `${how}: ${faultsOf(healed)}`);
      delete side.lie.gate;
      delete side.lie.once;
      calm.lie.how = 'throw';
      const failed = await both();
      checkWords(own(failed, side.name), kind, side.world.tick - 1, 'skipped');
      const lasting = failed.faults.filter(fault => fault.action !== 'healed');
      equal(lasting.length, 1, `${how}: ${faultsOf(failed)}`);
      side.lie.how = calm.lie.how = 'none';
      for (const { scheduler, name } of [side, calm]) scheduler.release(name);
      equal((await both()).faults.length, 0, `faults after ${how}`);
      ran.push(how);
    }
    return ran;
  } finally {
    await side.scheduler.close();
    await calm.scheduler.close();
    side.world.dispose();
    calm.world.dispose();
  }
}

/** What changes nothing. */
export async function runHarmless(where: Where, style: Style): Promise<void> {
  const side = new Side(style, { ...where.options });
  const calm = new Side(style, { executor: 'local' });
  try {
    for (const how of ['none', ...Object.keys(HARMLESS)]) {
      side.lie.how = how;
      const report = await side.frame();
      await calm.frame();
      equal(report.faults.length, 0, `${how}: ${faultsOf(report)}`);
      equal(side.world.hash(), calm.world.hash(), how);
    }
  } finally {
    await side.scheduler.close();
    await calm.scheduler.close();
    side.world.dispose();
    calm.world.dispose();
  }
}

/** What costs a worker at some time, whose task is done by then or is tried once more. */
export async function runBeside(where: Where, list: readonly Kind[]): Promise<void> {
  const side = new Side('split', { ...where.options });
  const calm = new Side('split', { executor: 'local' });
  try {
    for (const { how } of list) {
      side.lie.how = how;
      side.lie.gate = new SharedArrayBuffer(4);
      for (let i = 0; i < 4; i++) {
        const { faults } = await side.frame();
        await calm.frame();
        equal(
          faults.map(fault => fault.action).filter(action => action !== 'healed'),
          [],
          how,
        );
        equal(side.world.hash(), calm.world.hash(), how);
        side.lie.how = 'none';
        await new Promise(resolve => setTimeout(resolve, 5));
      }
    }
  } finally {
    await side.scheduler.close();
    await calm.scheduler.close();
    side.world.dispose();
    calm.world.dispose();
  }
}
