// SPDX-License-Identifier: MIT
// Events as jobs see them: a number of events with a column a field. wasm has gathered them
// already, so these are views of its memory.

import { makeColumn } from '../core/columns.js';
import type { Instance } from '../core/instance.js';
import { EntityColumn } from '../entity.js';
import type { BoundMessage } from './binding.js';

type Columns = Record<string, unknown>;

function fields(instance: Instance, bound: BoundMessage, at: number, count: number): Columns {
  const columns: Columns = {};
  bound.layout.forEach((field, f) => {
    columns[field.name] = makeColumn(
      instance.memory.buffer,
      field.type,
      instance.u32[(at >> 2) + f]!,
      count * field.count,
    );
  });
  return columns;
}

/** All new events: the struct Hit_events at `at`. */
export function eventsAt(instance: Instance, bound: BoundMessage, at: number): Columns {
  const n = instance.u32[at >> 2]!;
  const to = new Uint32Array(instance.memory.buffer, instance.u32[(at + 8) >> 2]!, 2 * n);
  return { n, to: new EntityColumn(to), ...fields(instance, bound, at + 12, n) };
}

/** The events to n rows: the struct Hit_inbox at `at`. */
export function inboxAt(instance: Instance, bound: BoundMessage, at: number, n: number): Columns {
  const begin = new Uint32Array(instance.memory.buffer, instance.u32[at >> 2]!, n + 1);
  return { begin, ...fields(instance, bound, at + 4, begin[n]!) };
}
