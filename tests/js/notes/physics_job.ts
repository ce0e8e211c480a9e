// SPDX-License-Identifier: MIT
// The notes' physics job: called once with all rows, values of object components as arrays, and
// gives patches. The same module runs in a worker and in process.

import type { Patch } from 'skep';

export interface PhysicsInput {
  eids: number[];
  cols: Record<number, { x: number; y: number }[]>;
  dt: number;
  time: number;
  writes: number[];
  extra?: { POS: number; VEL: number };
}

export async function handle(input: PhysicsInput): Promise<Patch[]> {
  const { POS, VEL } = input.extra!;
  const pos = input.cols[POS]!;
  const vel = input.cols[VEL]!;
  const patches: Patch[] = [];
  for (let i = 0; i < input.eids.length; i++) {
    const p = pos[i];
    const v = vel[i];
    if (!p || !v) continue;
    const value = { x: p.x + v.x * input.dt, y: p.y + v.y * input.dt };
    patches.push({ kind: 'set', eid: input.eids[i]!, cid: POS, value });
  }
  return patches;
}
export default handle;
