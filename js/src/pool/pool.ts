// SPDX-License-Identifier: MIT
// Makes pools: chooses where jobs run, starts the workers, and where that fails says why once and
// goes on in process.

import { SkepError } from '../errors.js';
import { Crew } from './crew.js';
import { builtin, coreCount, isNode, makeHold } from './env.js';
import { describe, toError } from './faults.js';
import { LocalCrew } from './local.js';
import { checkOptions, type PoolKind, type PoolOptions } from './options.js';
import { PortablePool, pause } from './portable_pool.js';
import { RawGroup } from './raw.js';
import { loadSupervisor } from './supervisor.js';
import type { PoolLimits } from './task.js';
import { Watch } from './watch.js';

export type { JobName } from './address.js';
export type { ColumnsData, ColumnsFrame } from './columns.js';
export type { PoolHost, PoolWorker } from './host.js';
export type {
  CloseOptions,
  ColumnsOptions,
  PoolKind,
  PoolOptions,
  ResourceLimits,
} from './options.js';
export { PortablePool } from './portable_pool.js';
export type { RunOptions } from './task.js';

const DEADLINE_MS = 1000;
const QUEUE_MAX = 65536;
const START_TIMEOUT_MS = 10000;
const RESTART_BUDGET = 1000;

/** The arguments for workers, where what this process was called with would keep them from
 * starting: `node --input-type=module -e ...` forbids every worker that is a file. */
function execArgv(): { execArgv?: string[] } {
  if (!process.execArgv.some(argument => argument.startsWith('--input-type'))) return {};
  const kept = process.execArgv.filter(argument =>
    /^--(import|require|conditions)=/.test(argument),
  );
  return { execArgv: kept };
}

// The URL is made of parts, so that no bundler takes the runner for a worker of a page's code.
function nodeWorkerMaker(options: PoolOptions): (slot: number) => unknown {
  const threads = builtin<typeof import('node:worker_threads')>('node:worker_threads');
  if (!threads) throw new Error('this host has no worker_threads');
  const here = import.meta.url;
  const file = `./node_runner${here.endsWith('.ts') ? '.ts' : '.js'}`;
  const runner = new URL(file, here);
  const { resourceLimits } = options;
  const settings = { ...execArgv(), ...(resourceLimits ? { resourceLimits } : {}) };
  return slot => new threads.Worker(runner, { name: `skep ${slot}`, ...settings } as never);
}

function makerOf(kind: PoolKind, options: PoolOptions): ((slot: number) => unknown) | null {
  const { createWorker } = options;
  if (createWorker) return () => createWorker();
  return kind === 'node' ? nodeWorkerMaker(options) : null;
}

async function startCrew(
  kind: PoolKind,
  limits: PoolLimits,
  options: PoolOptions,
): Promise<Crew | null> {
  const make = makerOf(kind, options);
  if (!make) return null;
  const crew = new Crew({ limits, make, retryFirst: kind === 'node' });
  try {
    await crew.start();
  } catch (error) {
    void crew.end(0);
    throw error;
  }
  return crew;
}

/** How long the first of the named workers may take to report that they are blocked. */
const BLOCKED_MS = 100;

/** Makes one worker a name, and waits a moment for the error event of those that are blocked: they
 * say nothing else. Rejects when all are. `crew`: workers that there are beside them. */
async function startRaw(
  kind: PoolKind,
  limits: PoolLimits,
  options: PoolOptions,
  watch: Watch,
  crew: number,
): Promise<Map<string, RawGroup>> {
  const groups = new Map<string, RawGroup>();
  for (const [name, make] of Object.entries(options.browserWorkers ?? {})) {
    groups.set(name, new RawGroup(make, limits, watch, crew + groups.size + 1));
  }
  const alone = !crew;
  if (kind !== 'web' || !groups.size) return groups;
  const causes: unknown[] = [];
  const blocked = new Promise<void>(resolve => {
    for (const group of groups.values()) {
      group.failed = cause => {
        if (causes.push(cause) === groups.size) resolve();
      };
      try {
        group.open();
      } catch (error) {
        group.failed(toError(error));
      }
    }
  });
  if (alone) await Promise.race([blocked, pause(BLOCKED_MS)]);
  for (const group of groups.values()) group.failed = () => {};
  if (!alone || causes.length < groups.size) return groups;
  for (const group of groups.values()) group.end();
  throw causes[0];
}

async function build(
  kind: PoolKind,
  fallback: string | null,
  options: PoolOptions,
): Promise<PortablePool> {
  const limits: PoolLimits = {
    size: options.size ?? Math.max(1, coreCount() - 1),
    queueMax: options.queueMax ?? QUEUE_MAX,
    deadlineMs: options.deadlineMs ?? (kind === 'local' ? 0 : DEADLINE_MS),
    startTimeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
    restartBudget: options.restartBudget ?? RESTART_BUDGET,
  };
  if (kind !== 'local') loadSupervisor(); // throws where there is no wasm
  const names = Object.keys(options.browserWorkers ?? {}).length;
  const watch = new Watch(limits.size * Math.max(1, names));
  const hold = makeHold();
  hold.set(true);
  try {
    const crew = kind === 'local' ? null : await startCrew(kind, limits, options);
    const raw =
      kind === 'local'
        ? new Map<string, RawGroup>()
        : await startRaw(kind, limits, options, watch, crew?.slots.length ?? 0);
    const local = kind === 'local' ? new LocalCrew(limits, watch) : null;
    return new PortablePool({ kind, limits, fallback, crew, local, raw, watch, hold, options });
  } catch (error) {
    watch.end();
    hold.end();
    throw error;
  }
}

function noWorkers(reason: string): SkepError {
  return new SkepError('E_UNSUPPORTED', reason);
}

/** The kind that this host suggests; throws why there are no workers. */
function suggest(): PoolKind {
  if (isNode()) return 'node';
  if (typeof Worker !== 'function') throw noWorkers('this host has no Worker');
  return 'web';
}

/** Makes a pool with workers; throws why it cannot. */
async function buildWith(kind: PoolKind, options: PoolOptions): Promise<PortablePool> {
  const { createWorker, browserWorkers = {} } = options;
  if (kind === 'node' && !builtin('node:worker_threads')) {
    throw noWorkers('this host has no worker_threads');
  }
  if (kind === 'web' && !createWorker && !Object.keys(browserWorkers).length) {
    throw noWorkers('neither createWorker nor browserWorkers was given');
  }
  return build(kind, null, options);
}

const said = new Set<string>();

function sayFallback(reason: string, options: PoolOptions): void {
  if (options.onFallback) return options.onFallback(reason);
  if (said.has(reason)) return;
  said.add(reason);
  console.warn(`fallback: workers not used: ${reason}; jobs run in process`);
}

/** Makes a pool: on Node with worker_threads, else with Web Workers where createWorker or
 * browserWorkers is given and workers start, else in process, which is then said once. Resolves
 * when the workers are up. Rejects with SkepError: E_ARGUMENT for an option that is none,
 * E_UNSUPPORTED when the executor that was asked for cannot be had. */
export async function createPortablePool(options: PoolOptions = {}): Promise<PortablePool> {
  checkOptions(options);
  const { executor = 'auto' } = options;
  if (executor === 'local') return build('local', null, options);
  try {
    return await buildWith(executor === 'auto' ? suggest() : executor, options);
  } catch (error) {
    const reason = error instanceof SkepError ? error.message : describe(error);
    if (executor !== 'auto') {
      const text = `executor "${executor}" cannot be used: ${reason}`;
      throw new SkepError('E_UNSUPPORTED', text, { cause: error });
    }
    const pool = await build('local', reason, options);
    sayFallback(reason, options);
    return pool;
  }
}
