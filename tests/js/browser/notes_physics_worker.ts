// SPDX-License-Identifier: MIT
// The notes' raw worker: it gets the bare input and answers with bare patches, and imports nothing
// but a type. `late` in `extra` holds an answer back, so that frames are asked for meanwhile.

import type { Patch } from 'skep';

interface Input {
  eids: number[];
  cols: Record<number, { x: number; y: number }[]>;
  dt: number;
  extra: { POS: number; VEL: number; late?: number };
}

const scope = globalThis as unknown as {
  onmessage: (event: { data: Input }) => void;
  postMessage(message: unknown): void;
};

scope.onmessage = ({ data: input }) => {
  const { POS, VEL, late } = input.extra;
  const pos = input.cols[POS]!;
  const vel = input.cols[VEL]!;
  const patches: Patch[] = [];
  for (let i = 0; i < input.eids.length; i++) {
    const p = pos[i];
    const v = vel[i];
    if (!p || !v) continue;
    const value = { x: p.x + v.x * input.dt, y: p.y + v.y * input.dt };
    patches.push({ kind: 'set', eid: input.eids[i]!, cid: POS, value } as Patch);
  }
  if (late) setTimeout(() => scope.postMessage(patches), late);
  else scope.postMessage(patches);
};
