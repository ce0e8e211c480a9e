// SPDX-License-Identifier: MIT
// A job that slips: in one tick it turns one bit of one field of one row.

import { defineJob } from 'skep/worker';
import { Other } from './liar.ts';

/** Does what `steady` of liar.ts does, under its name. */
export const slip = defineJob<readonly [], readonly [typeof Other], number>(
  { name: 'steady', writes: [Other], module: import.meta.url },
  ({ n, out, tick, extra }) => {
    for (let i = 0; i < n; i++) out.Other.v[i]! += 1;
    if (tick === SLIPS && n > 7) out.Other.v[7]! ^= 1 << (extra & 31);
  },
);

export const SLIPS = 7;
