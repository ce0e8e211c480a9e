// SPDX-License-Identifier: MIT
// How zones hang together: the section that a piece of work lies in, what handed it out, and the
// commit that takes its result. Arrows and the details of a zone are made of these.

import { KIND } from '../js/src/trace/kinds.js';
import { sectionAt, sectionsOf } from '../js/src/trace/sections.js';
import type { Trace } from '../js/src/trace/types.js';

/** What a piece of work waits for, and what waits for it: indices in the caller's row, or -1. */
export interface Links {
  /** The TASKS zone around it. */
  readonly section: number;
  /** The WAKE zone of the section. */
  readonly wake: number;
  /** The COMMIT that follows. */
  readonly commit: number;
}

/** Whether a zone is work that was handed out. */
export function isWork(kind: number): boolean {
  return kind === KIND.BLOCK || kind === KIND.LOST;
}

/** What a zone of a thread hangs on; null for what was not handed out. O(zones of the section). */
export function linksOf(trace: Trace, thread: number, zone: number): Links | null {
  const [caller, row] = [trace.rows[0], trace.rows[thread]];
  if (!caller || !row || !isWork(row.kind[zone]!)) return null;
  const at = sectionAt(trace, row.begin[zone]!);
  if (at < 0) return null;
  const section = sectionsOf(trace).zone[at]!;
  const end = caller.end[section]!;
  let wake = -1;
  for (let i = section + 1; i < caller.count; i++) {
    const kind = caller.kind[i];
    if (kind === KIND.FRAME) break;
    if (wake < 0 && kind === KIND.WAKE && caller.begin[i]! <= end) wake = i;
    if (kind === KIND.COMMIT && caller.end[i]! >= end) return { section, wake, commit: i };
  }
  return { section, wake, commit: -1 };
}
