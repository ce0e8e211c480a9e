// SPDX-License-Identifier: MIT
// The components, events and resources of the conformance suite.

import {
  defineComponent,
  defineEvent,
  defineInput,
  definePrefab,
  defineResource,
  defineTag,
} from 'skep/worker';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
export const Hp = defineComponent({ name: 'Hp', fields: { v: 'i32' }, defaults: { v: 100 } });
export const Exact = defineComponent({
  name: 'Exact',
  fields: { d: 'f64', n: 'u32', big: 'i64', list: ['i16', 3], raw: 'bytes[4]', who: 'entity' },
});
export const Red = defineTag('Red');
export const Blue = defineTag('Blue');
/** Object components: the notes' kind. */
export const OPos = defineComponent({ name: 'OPos', defaults: () => ({ x: 0, y: 0 }) });
export const OVel = defineComponent({ name: 'OVel', defaults: () => ({ x: 0, y: 0 }) });
export const Meta = defineComponent({
  name: 'Meta',
  defaults: (): { title: string; tags: string[] } | null => ({ title: '', tags: [] }),
});
export const Hit = defineEvent({ name: 'Hit', fields: { amount: 'i32', by: 'entity' } });
export const Steer = defineInput({ name: 'Steer', fields: { turn: 'f32' } });
export const Rules = defineResource({ name: 'Rules', fields: { step: 'i32' } });
export const Spark = definePrefab('Spark', [Pos, [Hp, { v: 3 }]]);
