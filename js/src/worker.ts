// SPDX-License-Identifier: MIT
// The entry `skep/worker`: what a worker's module needs. serve() makes the worker that runs it a
// worker of a pool, on Node and in browsers alike.

import type { AnyJob } from './job.js';
import { installExtensions } from './pool/extensions.js';
import { startWorker } from './pool/worker_runtime.js';

export {
  defineComponent,
  defineEvent,
  defineInput,
  defineResource,
  defineTag,
  utf8,
  utf8Text,
} from './component.js';
export { NULL_ENTITY } from './entity.js';
export { defineJob } from './job.js';
export { Parent } from './parent.js';
export { definePrefab, type Prefab } from './prefab.js';
export type { Job, JobInput, JobSpec } from './job.js';
export type { Component, EventType, Fields, Reads, Scalar, Value, Writes } from './component.js';
export type { Entity } from './entity.js';

/** Serves jobs by name in the worker that calls it, which is then ready for a pool. May be called
 * again with more. Outside of a worker it only makes the jobs known by name for in-process runs.
 * Throws SkepError (E_ARGUMENT) for what is no job, or when two jobs have one name. */
export function serve(...jobs: readonly AnyJob[]): void {
  installExtensions();
  startWorker(jobs);
}
