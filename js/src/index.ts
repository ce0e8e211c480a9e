// SPDX-License-Identifier: MIT
// The entry `skep`: all that a program needs beside what its workers import from `skep/worker`.

export {
  World,
  type WorldOptions,
  type WorldQuery,
  type NotesQuery,
  type Commands,
} from './world.js';
export {
  defineComponent,
  defineEvent,
  defineInput,
  defineResource,
  defineTag,
  utf8,
  utf8Text,
} from './component.js';
export type {
  AnyComponent,
  Component,
  EventType,
  Fields,
  FieldSpec,
  Reads,
  Scalar,
  Value,
  Writes,
} from './component.js';
export {
  EntityColumn,
  NULL_ENTITY,
  entityGeneration,
  entityIndex,
  entityMake,
  type Entity,
  type EntityColumnView,
} from './entity.js';
export {
  defineJob,
  isJob,
  type AnyJob,
  type Job,
  type JobHandler,
  type JobInput,
  type JobSpec,
} from './job.js';
export { Parent } from './parent.js';
export { definePrefab, type Part, type Prefab } from './prefab.js';
export { createPortablePool } from './pool/pool.js';
export type {
  CloseOptions,
  ColumnsData,
  ColumnsFrame,
  ColumnsOptions,
  JobName,
  PoolKind,
  PoolOptions,
  PortablePool,
  ResourceLimits,
  RunOptions,
} from './pool/pool.js';
export type { Query, QuerySpec, RemovedQuery } from './query.js';
export type { DiffItem, DiffKind, Snapshot } from './snapshot.js';
export type { Patch } from './patches.js';
export * from './errors.js';
export { ParallelScheduler, type FrameReport, type SchedulerOptions } from './scheduler.js';
export type { Loop, LoopOptions } from './loop.js';
export { loadScene, type Scene, type SceneParam } from './scene.js';
export type { SchedulerTrace, TraceOptions } from './tracing.js';
export type { OffloadSpec, SystemContext, SystemSpec, When } from './system.js';
