// SPDX-License-Identifier: MIT
// The entry `skep/node`: a pool on Node's worker_threads and nothing else, for programs that would
// rather fail than fall back.

import { createPortablePool, type PoolOptions, type PortablePool } from './pool/pool.js';

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

/** Makes a pool on worker_threads. Rejects with SkepError (E_UNSUPPORTED) where there are none. */
export function createNodePool(options: Omit<PoolOptions, 'executor'> = {}): Promise<PortablePool> {
  return createPortablePool({ ...options, executor: 'node' });
}
