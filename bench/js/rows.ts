// SPDX-License-Identifier: MIT
// The rows by name, in the order of the table. Each is loaded in the process that measures it, and
// nowhere else.

import type { Fact, Row } from './row.ts';

type Loader = () => Promise<Row | Fact>;

const pick = (module: Promise<{ default: Row | Fact }>): Promise<Row | Fact> =>
  module.then(loaded => loaded.default);
const notes = () => import('./rows/notes.ts');
const frameC = () => import('./rows/frame_c.ts');
const snapshot = () => import('./rows/snapshot.ts');
const delta = () => import('./rows/delta.ts');
const emptyJob = () => import('./rows/empty_job.ts');
const live = () => import('./rows/live.ts');
const viewer = () => import('./rows/viewer.ts');

export const rows: ReadonlyMap<string, Loader> = new Map<string, Loader>([
  ['notes-1k', async () => (await notes()).notesRow(1000, 90, 500)],
  ['notes-10k', async () => (await notes()).notesRow(10_000, 500, 4000)],
  ['notes-100k', async () => (await notes()).notesRow(100_000, 1000, 5000)],
  ['frame-js-1k', async () => (await notes()).frameJs('frame-js-1k', 1000)],
  ['frame-js-10k', async () => (await notes()).frameJs('frame-js-10k', 10_000)],
  ['frame-js-100k', async () => (await notes()).frameJs('frame-js-100k', 100_000)],
  ['frame-c-10k', async () => (await frameC()).frameC('frame-c-10k', 10_000)],
  ['frame-c-100k', async () => (await frameC()).frameC('frame-c-100k', 100_000)],
  ['frame-c-1m', async () => (await frameC()).frameCWorkers('frame-c-1m', 1_000_000)],
  ['each', () => pick(import('./rows/each.ts'))],
  ['add-remove', () => pick(import('./rows/add_remove.ts'))],
  ['snapshot', async () => (await snapshot()).memory],
  ['snapshot-bytes', async () => (await snapshot()).saved],
  ['delta', async () => (await delta()).scattered],
  ['delta-near', async () => (await delta()).near],
  ['empty-job', async () => (await emptyJob()).awake],
  ['empty-job-asleep', async () => (await emptyJob()).asleep],
  ['new-workers', () => pick(import('./rows/new_workers.ts'))],
  ['trace-zone', () => pick(import('./rows/trace_zone.ts'))],
  ['size', () => pick(import('./rows/size.ts'))],
  ['client', async () => (await live()).client],
  ['gateway', async () => (await live()).gateway],
  ['skies-page', () => pick(import('./rows/skies_page.ts'))],
  ['viewer-open', async () => (await viewer()).viewerOpen],
  ['viewer-pan', async () => (await viewer()).viewerPan],
  ['suite/packed_5', () => pick(import('./suites/packed_5.ts'))],
  ['suite/simple_iter', () => pick(import('./suites/simple_iter.ts'))],
  ['suite/frag_iter', () => pick(import('./suites/frag_iter.ts'))],
  ['suite/entity_cycle', () => pick(import('./suites/entity_cycle.ts'))],
  ['suite/add_remove', () => pick(import('./suites/add_remove.ts'))],
]);

export function isFact(row: Row | Fact): row is Fact {
  return 'measure' in row;
}
