// SPDX-License-Identifier: MIT
// A job by the notes' names, for the conformance suite: does what `extra` says.

import { defineJob } from 'skep/worker';

export interface NotesInput {
  eids: number[];
  cols: Record<number, { x: number; y: number }[]>;
  dt: number;
  time: number;
  writes: number[];
  extra: {
    act: string;
    POS: number;
    VEL: number;
    patches?: unknown[];
    ms?: number;
    note?: unknown;
  };
}

type Patches = { kind: string; eid: number; cid?: number; value?: unknown }[];

const ACTS: Record<string, (input: NotesInput) => unknown> = {
  move({ eids, cols, dt, extra: { POS, VEL } }) {
    const patches: Patches = [];
    eids.forEach((eid, i) => {
      const p = cols[POS]![i]!;
      const v = cols[VEL]![i]!;
      patches.push({ kind: 'set', eid, cid: POS, value: { x: p.x + v.x * dt, y: p.y + v.y * dt } });
    });
    return patches;
  },
  /** Writes what it may only read. */
  wrong: ({ eids, extra: { VEL } }) => [
    { kind: 'set', eid: eids[0]!, cid: VEL, value: { x: 99, y: 99 } },
  ],
  plus: ({ eids, cols, extra: { POS, ms } }) =>
    eids.map((eid, i) => ({
      kind: 'set',
      eid,
      cid: POS,
      value: { x: cols[POS]![i]!.x + ms!, y: 0 },
    })),
  times: ({ eids, cols, extra: { POS, ms } }) =>
    eids.map((eid, i) => ({
      kind: 'set',
      eid,
      cid: POS,
      value: { x: cols[POS]![i]!.x * ms!, y: 0 },
    })),
  give: ({ extra: { patches } }) => patches,
  /** Shows how it was called. */
  show: ({ eids, cols, writes, time, extra: { POS, VEL } }) => [
    {
      kind: 'add',
      eid: eids[0]!,
      cid: POS,
      value: {
        eids: eids.length,
        pos: cols[POS]!.length,
        vel: cols[VEL]!.length,
        none: cols[VEL]!.filter(v => v === undefined).length,
        writes,
        time,
      },
    },
  ],
  /** Changes all that it was given. */
  trespass({ eids, cols, extra }) {
    for (const list of Object.values(cols)) for (const value of list) if (value) value.x = -1;
    eids.fill(0);
    (extra.note as { n: number }).n = -1;
    return [];
  },
  async later(input) {
    await new Promise(resolve => setTimeout(resolve, input.extra.ms));
    return ACTS['move']!(input);
  },
  throw: () => {
    throw new RangeError('thrown on purpose');
  },
  async reject() {
    await undefined;
    throw new RangeError('rejected on purpose');
  },
  nothing: () => undefined,
  text: () => 'no patches',
};

export function handle(input: NotesInput): unknown {
  return ACTS[input.extra.act]!(input);
}

export const served = defineJob({ name: 'notes_job' }, handle as never);

export default handle;
