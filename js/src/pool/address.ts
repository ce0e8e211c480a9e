// SPDX-License-Identifier: MIT
// From what a caller names a job by to where a worker, or this realm, finds it. What cannot be
// found is an error here, with the names that are known, and not a worker's.

import { SkepError } from '../errors.js';
import { isJob, type AnyJob, type Job } from '../job.js';
import type { Crew } from './crew.js';
import { isNode } from './env.js';
import type { PoolKind, PoolOptions } from './options.js';
import type { JobAddress } from './protocol.js';
import { unknownName, type RawGroup } from './raw.js';
import { jobs } from './registry.js';

/** What names a job: a module (URL, absolute path or importable name) that exports `handle` or a
 * default, a name that is served or is in browserWorkers, or a job of defineJob. */
export type JobName = string | URL | Job<never, never, never> | AnyJob;

/** Where a pool can find jobs. */
export interface Places {
  readonly kind: PoolKind;
  readonly crew: Crew | null;
  readonly raw: ReadonlyMap<string, RawGroup>;
  readonly options: PoolOptions;
  readonly fallback: string | null;
}

function moduleAddress(module: string, exported?: string): JobAddress {
  return { name: exported ?? module, key: `${module}\n${exported ?? ''}`, module, exported };
}

function looksLikeUrl(name: string): boolean {
  return /^(\/|[A-Za-z][A-Za-z0-9+.-]+:)/.test(name);
}

function relativeName(name: string): SkepError {
  return new SkepError('E_ARGUMENT', `${name} is relative, and it is not known to what`, {
    hint: `pass new URL(${JSON.stringify(name)}, import.meta.url)`,
  });
}

function whyUnknown(places: Places, name: string): string {
  const { kind, options, fallback } = places;
  if (kind !== 'local' || !Object.hasOwn(options.browserWorkers ?? {}, name)) {
    return 'serve a job of this name, or add it to browserWorkers';
  }
  return (
    'browserWorkers has a worker for it, but workers are not used: '
    + `${fallback ?? 'the executor is "local"'}; serve a job of this name in process`
  );
}

/** Whether a string may be a module here. */
function mayBeModule(places: Places, name: string): boolean {
  const runsModules = places.crew !== null || places.kind === 'local';
  const bare = places.kind !== 'web' && isNode(); // without a page's import map
  return (
    runsModules
    && (looksLikeUrl(name) || (bare && !Object.hasOwn(places.options.browserWorkers ?? {}, name)))
  );
}

function addressOfName(places: Places, name: string): JobAddress {
  const { kind, crew, raw } = places;
  if (raw.has(name)) return { name, key: `raw ${name}` };
  const served = kind === 'local' ? jobs.has(name) : crew?.serves(name);
  if (served) return { name, key: `\n${name}`, served: name };
  if (/^\.\.?[/\\]/.test(name)) throw relativeName(name);
  if (mayBeModule(places, name)) {
    return moduleAddress(isNode() ? name : new URL(name, globalThis.location?.href).href);
  }
  throw unknownName(
    name,
    [...raw.keys(), ...(crew?.served() ?? jobs.keys())],
    whyUnknown(places, name),
  );
}

function addressOfJob(places: Places, job: AnyJob): JobAddress {
  const { name, module } = job;
  if (places.kind === 'local') return { name, key: `\n${name}` };
  if (places.crew?.serves(name)) return { name, key: `\n${name}`, served: name };
  if (module && places.crew) return moduleAddress(module, name);
  throw new SkepError(
    'E_ARGUMENT',
    `job "${name}" cannot be found by workers: it is not served, ` + 'and has no module',
    {
      hint:
        'defineJob({ ..., module: import.meta.url }, ...), or serve it '
        + 'in the module of createWorker',
    },
  );
}

/** The address of a job; throws SkepError (E_ARGUMENT) when the pool cannot have it. */
export function addressOf(places: Places, job: JobName): JobAddress {
  if (typeof job === 'string') return addressOfName(places, job);
  if (job instanceof URL) return moduleAddress(job.href);
  if (isJob(job)) return addressOfJob(places, job);
  throw new SkepError('E_ARGUMENT', `${String(job)} names no job`, {
    hint: "pass a module's URL, the name of a served job, or what defineJob returned",
  });
}
