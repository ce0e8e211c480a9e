// SPDX-License-Identifier: MIT
// The components of the rows that move particles, as jobs and worlds share them.

import { defineComponent } from 'skep';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
