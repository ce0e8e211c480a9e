// SPDX-License-Identifier: MIT
// Patches: what a job that was called with all rows returns, as plain objects that can be cloned.

import { PatchError } from './errors.js';
import type { Entity } from './entity.js';

/** One change. `cid` is the component's id in the scheduler's realm. For `spawn`, `eid` names the
 * new entity within the list: any negative number, which later patches of the list may use. */
export type Patch =
  | { kind: 'set'; eid: number; cid: number; value: unknown }
  | { kind: 'add'; eid: number; cid: number; value?: unknown }
  | { kind: 'remove'; eid: number; cid: number }
  | { kind: 'destroy'; eid: number }
  | { kind: 'spawn'; eid: number };

const KINDS = new Set(['set', 'add', 'remove', 'destroy', 'spawn']);

/** Checks the shape of a list that came from a job. Returns it, or throws PatchError. `null` and
 * `undefined` are an empty list. */
export function checkPatches(list: unknown): readonly Patch[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) {
    throw new PatchError(`a job returned ${typeof list}, not a list of patches`, -1, {
      hint: 'return an array of { kind, eid, cid, value }',
    });
  }
  for (let i = 0; i < list.length; i++) {
    const p = list[i] as Patch | null;
    if (typeof p !== 'object' || p === null || !KINDS.has(p.kind)) {
      throw new PatchError(`patch ${i}: ${JSON.stringify(p)} is of no kind`, i, {
        hint: `kinds are ${[...KINDS].join(', ')}`,
      });
    }
    if (!Number.isSafeInteger(p.eid)) {
      throw new PatchError(`patch ${i} (${p.kind}): eid ${String(p.eid)} is no entity`, i);
    }
    if (
      (p.kind === 'set' || p.kind === 'add' || p.kind === 'remove')
      && (!Number.isInteger(p.cid) || p.cid < 0)
    ) {
      throw new PatchError(`patch ${i} (${p.kind}): cid ${String(p.cid)} is no component`, i);
    }
  }
  return list as readonly Patch[];
}

/** The entity of a patch, as a handle. */
export function patchEntity(patch: Patch): Entity {
  return patch.eid as Entity;
}
