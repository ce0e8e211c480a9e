// SPDX-License-Identifier: MIT
// The rows by name, in the order of the table. Each is loaded in the process that measures it, and
// nowhere else.

import type { Fact, Row } from './row.ts';

type Loader = () => Promise<Row | Fact>;

const pick = (module: Promise<{ default: Row | Fact }>): Promise<Row | Fact> => (
  module.then((loaded) => loaded.default));

export const rows: ReadonlyMap<string, Loader> = new Map<string, Loader>([
  ['each', () => pick(import('./rows/each.ts'))],
  ['add-remove', () => pick(import('./rows/add_remove.ts'))],
  ['suite/packed_5', () => pick(import('./suites/packed_5.ts'))],
  ['suite/simple_iter', () => pick(import('./suites/simple_iter.ts'))],
  ['suite/frag_iter', () => pick(import('./suites/frag_iter.ts'))],
  ['suite/entity_cycle', () => pick(import('./suites/entity_cycle.ts'))],
  ['suite/add_remove', () => pick(import('./suites/add_remove.ts'))],
]);

export function isFact(row: Row | Fact): row is Fact {
  return 'measure' in row;
}
