// SPDX-License-Identifier: MIT
// The entry `skep/web`: a pool on Web Workers and nothing else, for pages that would rather fail
// than fall back.

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
  RunOptions,
} from './pool/pool.js';

/** Makes a pool on Web Workers, by createWorker or browserWorkers. Rejects with SkepError
 * (E_UNSUPPORTED) where workers are missing or blocked. */
export function createWebPool(options: Omit<PoolOptions, 'executor'>): Promise<PortablePool> {
  return createPortablePool({ ...options, executor: 'web' });
}
