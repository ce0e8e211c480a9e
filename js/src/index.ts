// SPDX-License-Identifier: MIT
// The entry `skep`: what is the same on every host.

export { defineComponent, defineTag, utf8, utf8Text } from './component.js';
export type {
  AnyComponent,
  Component,
  FieldSpec,
  Fields,
  ReadColumn,
  Reads,
  Scalar,
  Value,
  WriteColumn,
  Writes,
} from './component.js';
export { EntityColumn, entityGeneration, entityIndex, entityMake, NULL_ENTITY } from './entity.js';
export type { Entity, EntityColumnView } from './entity.js';
export {
  ClosedError,
  DeadlineError,
  JobError,
  LimitError,
  PatchError,
  PlanError,
  SchemaError,
  SkepError,
} from './errors.js';
export type { FaultAction, SkepErrorCode, SkepErrorOptions } from './errors.js';
export { defineJob, isJob } from './job.js';
export type { AnyJob, Job, JobHandler, JobInput, JobSpec } from './job.js';
export type { Patch } from './patches.js';
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
