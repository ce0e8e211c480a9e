// SPDX-License-Identifier: MIT
// The rows by name, in the order of the table. Each is loaded in the process that measures it, and
// nowhere else.

import type { Fact, Row } from './row.ts';

type Loader = () => Promise<Row | Fact>;

const pick = (module: Promise<{ default: Row | Fact }>): Promise<Row | Fact> => (
  module.then((loaded) => loaded.default));

export const rows: ReadonlyMap<string, Loader> = new Map<string, Loader>([
  ['notes-1k', async () => (await import('./rows/notes.ts')).notesRow(1000)],
  ['notes-10k', async () => (await import('./rows/notes.ts')).notesRow(10_000)],
  ['notes-100k', async () => (await import('./rows/notes.ts')).notesRow(100_000)],
  ['frame-c-10k', async () => (await import('./rows/frame_c.ts')).frameC('frame-c-10k', 10_000)],
  ['frame-c-100k', async () => (await import('./rows/frame_c.ts')).frameC('frame-c-100k', 100_000)],
  ['frame-c-1m', async () => (await import('./rows/frame_c.ts')).frameC('frame-c-1m', 1_000_000)],
  ['each', () => pick(import('./rows/each.ts'))],
  ['add-remove', () => pick(import('./rows/add_remove.ts'))],
  ['snapshot', async () => (await import('./rows/snapshot.ts')).memory],
  ['snapshot-bytes', async () => (await import('./rows/snapshot.ts')).saved],
  ['delta', async () => (await import('./rows/delta.ts')).scattered],
  ['delta-near', async () => (await import('./rows/delta.ts')).near],
  ['empty-job', async () => (await import('./rows/empty_job.ts')).awake],
  ['empty-job-asleep', async () => (await import('./rows/empty_job.ts')).asleep],
  ['size', () => pick(import('./rows/size.ts'))],
  ['suite/packed_5', () => pick(import('./suites/packed_5.ts'))],
  ['suite/simple_iter', () => pick(import('./suites/simple_iter.ts'))],
  ['suite/frag_iter', () => pick(import('./suites/frag_iter.ts'))],
  ['suite/entity_cycle', () => pick(import('./suites/entity_cycle.ts'))],
  ['suite/add_remove', () => pick(import('./suites/add_remove.ts'))],
]);

export function isFact(row: Row | Fact): row is Fact {
  return 'measure' in row;
}
