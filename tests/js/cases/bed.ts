// SPDX-License-Identifier: MIT
// What the cases of the conformance suite share: the places where they run, and a world with a
// scheduler in one of them. Cases are functions of a place, so that Node's tests and a page's run
// the same.

import {
  ParallelScheduler,
  World,
  type FrameReport,
  type JobError,
  type SchedulerOptions,
  type WorldOptions,
} from 'skep';
import { fail } from './check.ts';

/** One place where frames can run. */
export interface Place {
  readonly name: string;
  readonly options: SchedulerOptions;
  /** Workers beside the caller. */
  readonly workers: number;
  /** Frames are run by tick(). */
  readonly sync: boolean;
  /** Workers have memory of their own. */
  readonly copied: boolean;
  /** A job can end its worker by process.exit. */
  readonly exits: boolean;
  /** How a notes' job of tests/js/cases is found. */
  job(name: string): { nodeModule?: string | URL; browserJobName?: string };
}

export interface Case {
  /** What it shows; begins with the ids of the defects that it keeps away. */
  readonly name: string;
  /** Where it can be stated: everywhere by default. */
  readonly on?: (place: Place) => boolean;
  run(place: Place): Promise<void>;
}

/** What a case works with. */
export interface Bed {
  readonly world: World;
  readonly scheduler: ParallelScheduler;
  readonly log: string[];
  /** Runs frames, and gives the report of the last one. */
  frame(count?: number, dt?: number): Promise<FrameReport>;
  /** The same, where no fault is expected. */
  clean(count?: number, dt?: number): Promise<FrameReport>;
}

/** What was thrown, as a text. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'something without a text';
  }
}

/** Faults as one text each. */
export function faultsOf(report: FrameReport): string {
  return report.faults
    .map((f: JobError) => `${f.system} ${f.action}: ${f.message} (${textOf(f.cause)})`)
    .join('\n');
}

/** Makes a world and a scheduler, hands them to `use`, and closes what is left. The world must be
 * sound afterwards. */
export async function withBed(
  place: Place,
  use: (bed: Bed) => Promise<void>,
  options: SchedulerOptions = {},
  worldOptions: WorldOptions = {},
): Promise<void> {
  const world = new World(worldOptions);
  const log: string[] = [];
  const scheduler = new ParallelScheduler(world, {
    grain: 0,
    log: (level, text) => log.push(`${level} ${text}`),
    onFallback: reason => log.push(`fallback ${reason}`),
    ...place.options,
    ...options,
  });
  const frame = async (count = 1, dt = 1): Promise<FrameReport> => {
    let report: FrameReport | undefined;
    if (place.sync) await scheduler.initPool();
    for (let i = 0; i < count; i++) {
      report = place.sync ? scheduler.tick(dt) : await scheduler.runFrame(dt);
    }
    return report!;
  };
  const clean = async (count = 1, dt = 1): Promise<FrameReport> => {
    let report: FrameReport | undefined;
    for (let i = 0; i < count; i++) {
      report = await frame(1, dt);
      if (report.faults.length) fail(`no fault was expected:\n${faultsOf(report)}`);
    }
    return report!;
  };
  try {
    await use({ world, scheduler, log, frame, clean });
    world.check();
  } finally {
    await scheduler.close();
    world.dispose();
  }
}
