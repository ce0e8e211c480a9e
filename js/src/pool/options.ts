// SPDX-License-Identifier: MIT
// The options of a pool and of its calls.

import { SkepError } from '../errors.js';
import type { WorkerFactories } from './raw.js';

/** Where jobs run. */
export type PoolKind = 'node' | 'web' | 'local';

/** Limits of a worker's memory, on Node; what goes past them ends the worker alone. */
export interface ResourceLimits {
  maxOldGenerationSizeMb?: number | undefined;
  maxYoungGenerationSizeMb?: number | undefined;
  codeRangeSizeMb?: number | undefined;
  stackSizeMb?: number | undefined;
}

export interface PoolOptions {
  /** Workers; by default one less than there are processors, at least 1. */
  size?: number | undefined;
  /** Makes a worker whose module calls serve(): a Web Worker, or one of worker_threads. */
  createWorker?: (() => unknown) | undefined;
  /** Workers by the name of their one job, which get the bare input and answer with the bare
   * result. */
  browserWorkers?: WorkerFactories | undefined;
  /** 'auto', the default, falls back to 'local' and says why; the others fail instead. */
  executor?: 'auto' | PoolKind | undefined;
  /** Milliseconds that a job may run, loading excluded; 1,000 by default, 0 is any time. In
   * process, where nothing can be stopped, 0 by default. */
  deadlineMs?: number | undefined;
  /** The most jobs that wait; 65,536 by default. */
  queueMax?: number | undefined;
  resourceLimits?: ResourceLimits | undefined;
  /** Milliseconds for a worker, or a job's module, to load; 10,000 by default. */
  startTimeoutMs?: number | undefined;
  /** Workers that may be replaced within a minute, 1,000 by default; 0: any number. When one more
   * has to be, the pool fails: whatever runs, waits or comes is rejected with SkepError
   * (E_WORKER_LOST) that names this option, and frames with it. Workers of `browserWorkers` do not
   * count. */
  restartBudget?: number | undefined;
  /** Told once why workers are not used. Without it: one line on the console. */
  onFallback?: ((reason: string) => void) | undefined;
  /** false: the pool keeps a Node process alive until it is closed. By default it does so only
   * while something waits or runs. */
  unref?: boolean | undefined;
}

export interface CloseOptions {
  /** 'now', the default: what waits and runs is rejected with ClosedError. 'drain': it may finish
   * first. */
  mode?: 'now' | 'drain' | undefined;
  /** The longest that this takes: 1,000 ms by default, 10,000 to drain. */
  timeoutMs?: number | undefined;
}

export interface ColumnsOptions {
  signal?: AbortSignal | undefined;
  deadlineMs?: number | undefined;
  priority?: number | undefined;
  /** Shows shared arrays to the job as they are, which spares copying each block that it reads. A
   * job that writes to what it may only read then changes the caller's arrays. */
  trusted?: boolean | undefined;
}

/** Throws SkepError (E_ARGUMENT) for what is no number, or no executor. */
export function checkOptions(options: PoolOptions): void {
  const number = (name: keyof PoolOptions, least: number, whole: boolean): void => {
    const value = options[name];
    if (value === undefined) return;
    if (typeof value !== 'number' || !(value >= least) || (whole && !Number.isInteger(value))) {
      throw new SkepError('E_ARGUMENT', `createPortablePool: ${name} is ${String(value)}`, {
        hint: `pass a ${whole ? 'whole ' : ''}number of at least ${least}`,
      });
    }
  };
  const { executor = 'auto' } = options;
  if (!['auto', 'node', 'web', 'local'].includes(executor)) {
    throw new SkepError('E_ARGUMENT', `there is no executor "${String(executor)}"`, {
      hint: 'auto, node, web or local',
    });
  }
  number('size', 1, true);
  number('queueMax', 0, false);
  number('deadlineMs', 0, false);
  number('startTimeoutMs', 1, false);
  number('restartBudget', 0, true);
}
