// SPDX-License-Identifier: MIT
// The yardstick's job, as the design notes write one: arrays of objects in, a list of patch objects
// out.

export interface Vector {
  x: number;
  y: number;
}

export interface ObjectPatch {
  kind: 'set';
  eid: number;
  cid: number;
  value: Vector;
}

export interface ObjectInput {
  eids: number[];
  cols: Record<number, Vector[]>;
  dt: number;
  time: number;
  writes: number[];
  extra: { POS: number; VEL: number };
}

export async function handle(input: ObjectInput): Promise<ObjectPatch[]> {
  const { POS, VEL } = input.extra;
  const pos = input.cols[POS]!;
  const vel = input.cols[VEL]!;
  const patches: ObjectPatch[] = [];
  for (let i = 0; i < input.eids.length; i++) {
    const p = pos[i];
    const v = vel[i];
    if (!p || !v) continue;
    const value = { x: p.x + v.x * input.dt, y: p.y + v.y * input.dt };
    patches.push({ kind: 'set', eid: input.eids[i]!, cid: POS, value });
  }
  return patches;
}
