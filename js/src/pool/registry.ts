// SPDX-License-Identifier: MIT
// Where jobs come from, in a worker and in process alike: the table of served jobs, and modules
// that are imported once and kept. Only what loaded well is kept, so a module that failed may be
// tried again.

import { SkepError } from '../errors.js';
import { isJob, type AnyJob } from '../job.js';
import { isWhole, runWhole } from '../executor/whole_run.js';
import { builtin, isNode } from './env.js';
import type { JobAddress } from './protocol.js';

/** What a module gave: a job of defineJob, or a function that is called with the input. */
export type LoadedJob = AnyJob | ((input: unknown) => unknown);

const served = new Map<string, AnyJob>();
const loaded = new Map<string, LoadedJob>();

/** The jobs that this realm serves, by name. */
export const jobs: ReadonlyMap<string, AnyJob> = served;

/** Puts a job into the table; throws SkepError when another has its name. */
export function addJob(job: AnyJob): void {
  if (!isJob(job)) {
    throw new SkepError('E_ARGUMENT', `serve was given ${String(job)}, which is no job`, {
      hint: 'pass what defineJob returned',
    });
  }
  const before = served.get(job.name);
  if (before && before !== job) {
    throw new SkepError('E_ARGUMENT', `two jobs are called "${job.name}"`, {
      hint: 'give each job that is served a name of its own',
    });
  }
  served.set(job.name, job);
}

/** Where a bare specifier leads: what the program in the working directory would get. */
function resolveBare(specifier: string): string {
  const module = builtin<typeof import('node:module')>('node:module');
  const url = builtin<typeof import('node:url')>('node:url');
  if (!module || !url) return specifier;
  try {
    const path = module.createRequire(`${process.cwd()}/none.js`).resolve(specifier);
    return path.startsWith('node:') ? path : url.pathToFileURL(path).href;
  } catch {
    return specifier;
  }
}

/** The URL to import for a module as users write it. */
function locate(module: string): string {
  if (!isNode()) return module;
  if (/^([/\\]|[A-Za-z]:[\\/])/.test(module)) {
    return builtin<typeof import('node:url')>('node:url')!.pathToFileURL(module).href;
  }
  return /^[A-Za-z][A-Za-z0-9+.-]+:/.test(module) ? module : resolveBare(module);
}

function pick(exports: Record<string, unknown>, module: string, name?: string): LoadedJob {
  const usable = (thing: unknown): thing is LoadedJob =>
    typeof thing === 'function' || isJob(thing);
  if (name !== undefined) {
    const named =
      Object.values(exports).find(thing => isJob(thing) && thing.name === name) ?? exports[name];
    if (usable(named)) return named;
  } else {
    const thing = exports['handle'] ?? exports['default'];
    if (usable(thing)) return thing;
  }
  const names = Object.keys(exports).join(', ') || 'nothing';
  const wanted =
    name === undefined
      ? 'neither `handle` nor a default that is a function or a job'
      : `no job "${name}"`;
  throw new SkepError('E_MODULE', `${module} exports ${wanted}; it exports ${names}`, {
    hint: 'export function handle(input), or a job made by defineJob',
  });
}

/** Imports a module and picks its job: the one called `name` (an export or a job's name), without
 * a name `handle` or the default export. Imported once; fails as the import fails, or with
 * SkepError (E_MODULE) when there is no such export. */
export async function loadJob(module: string, name?: string): Promise<LoadedJob> {
  const key = `${module}\n${name ?? ''}`;
  const before = loaded.get(key);
  if (before) return before;
  const url = locate(module);
  const exports = await import(/* webpackIgnore: true */ /* @vite-ignore */ url);
  const job = pick(exports as Record<string, unknown>, module, name);
  loaded.set(key, job);
  return job;
}

/** The job at an address if it is there already. */
export function findJob(address: JobAddress): LoadedJob | undefined {
  if (address.served !== undefined) return served.get(address.served);
  return loaded.get(`${address.module}\n${address.exported ?? ''}`);
}

/** The job at an address. */
export async function fetchJob(address: JobAddress): Promise<LoadedJob> {
  const found = findJob(address);
  if (found) return found;
  if (address.module !== undefined) return loadJob(address.module, address.exported);
  throw new SkepError(
    'E_MODULE',
    `no job "${address.name}" is served here; served are `
      + `${[...served.keys()].join(', ') || 'none'}`,
    { hint: "serve(job) in the worker's module" },
  );
}

/** Calls a job with its input. */
export function callJob(job: LoadedJob, input: unknown): unknown {
  if (typeof job === 'function') return job(input);
  return isWhole(input) ? runWhole(job, input) : job.handle(input as never);
}
