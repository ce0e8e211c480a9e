// SPDX-License-Identifier: MIT
// What the compiler says of jobs: they see the columns they declared, and write to theirs only.
// Nothing here runs: a line that is expected to be an error must be one, every other must be none.

import {
  defineComponent,
  defineJob,
  defineResource,
  type AnyJob,
  type Entity,
  type Job,
  type JobInput,
  type Patch,
} from 'skep';
import { serve, type JobInput as WorkerJobInput } from 'skep/worker';
import { Damage, Pos } from './components.ts';

const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
const Meta = defineComponent({ name: 'Meta', defaults: () => ({ title: '' }) });

const move = defineJob(
  { name: 'move', reads: [Pos, Vel], writes: [Pos] },
  ({ n, cols, out, dt, extra, entities, eids }) => {
    for (let i = 0; i < n; i++) out.Pos.x[i] = cols.Pos.x[i]! + cols.Vel.x[i]! * dt;
    const first: Entity = entities.at(0);
    const same: Entity | undefined = eids[0];
    void [first, same];
    // @ts-expect-error Vel is not in writes
    out.Vel;
    // @ts-expect-error columns to be read are readonly
    cols.Vel.x[0] = 1;
    // @ts-expect-error of a component that is written, too
    cols.Pos.x[0] = 1;
    // @ts-expect-error no such field
    cols.Pos.z;
    // @ts-expect-error neither read nor written
    cols.Damage;
    // @ts-expect-error handles are readonly
    entities.set(0, first);
    // @ts-expect-error and so are their numbers
    eids[0] = first;
    // @ts-expect-error this job has no extra
    extra.gravity;
  },
);

// A component that is only written can be read as well: its old values.
defineJob({ name: 'writer', writes: [Vel] }, ({ cols, out }) => {
  out.Vel.x[0] = cols.Vel.x[0]!;
});

// Object components come as their values.
defineJob({ name: 'titles', reads: [Meta], writes: [Meta] }, ({ cols, out }) => {
  const title: string | undefined = cols.Meta[0]?.title;
  out.Meta[0] = { title: title ?? '' };
  // @ts-expect-error not a title
  out.Meta[0] = { title: 1 };
  // @ts-expect-error the values read are a readonly list
  cols.Meta[0] = { title: '' };
});

const fall = defineJob<readonly [typeof Pos], readonly [], { gravity: number }>(
  { name: 'fall', reads: [Pos], puts: [Damage], spawnMax: 1, destroys: true },
  input => {
    const g: number = input.extra.gravity;
    const child: Entity = input.spawn();
    input.put(child, Damage, { amount: g, by: input.entities.at(0) });
    input.put(child, Damage);
    input.remove(child, Damage);
    input.destroy(child);
    const chance: number = input.random(child, 0);
    void chance;
    // @ts-expect-error a misspelt field
    input.put(child, Damage, { amuont: 1 });
    // @ts-expect-error a value of another type
    input.put(child, Damage, { amount: '1' });
    // @ts-expect-error a number is no entity
    input.put(3, Damage, { amount: 1 });
    // @ts-expect-error nor here
    input.destroy(3);
    // @ts-expect-error a misspelt key of extra
    input.extra.gravty;
    // @ts-expect-error nothing is written
    input.out.Pos;
  },
);

const Rules = defineResource({ name: 'Rules', fields: { near: 'f32' } });
defineJob({ name: 'rules', writes: [Vel], resources: [Rules] }, ({ n, out, resources }) => {
  for (let i = 0; i < n; i++) out.Vel.x[i] = resources.Rules.near;
  // @ts-expect-error a misspelt field
  resources.Rules.naer;
  // @ts-expect-error not declared
  resources.Score;
  // @ts-expect-error resources are read only
  resources.Rules.near = 1;
});

type Input<J> = J extends Job<infer R, infer W, infer X> ? JobInput<R, W, X> : never;

export function extras(input: Omit<Input<typeof fall>, 'extra'>): void {
  fall.handle({ ...input, extra: { gravity: 9 } });
  // @ts-expect-error wrong extra
  fall.handle({ ...input, extra: { gravty: 9 } });
  // @ts-expect-error no extra at all
  fall.handle(input);
}

// @ts-expect-error a job has a name
defineJob({ reads: [Pos] }, () => {});
// @ts-expect-error a name is no component
defineJob({ name: 'a', reads: ['Pos'] }, () => {});
// @ts-expect-error a misspelt option
defineJob({ name: 'a', read: [Pos] }, () => {});
// @ts-expect-error no function
defineJob({ name: 'a', reads: [Pos] });

// Any job goes where jobs are collected, and a worker's entry serves them.
export const jobs: readonly AnyJob[] = [move, fall];
serve(move, fall);
// @ts-expect-error a function is no job
serve(() => {});
// @ts-expect-error the name of one neither
serve('move');
// The types of `skep/worker` are those of `skep`.
export const sameInput: JobInput = {} as WorkerJobInput;

export const patches: readonly Patch[] = [
  { kind: 'spawn', eid: -1 },
  { kind: 'add', eid: -1, cid: Pos.id, value: { x: 1 } },
  { kind: 'destroy', eid: 5 },
  // @ts-expect-error no such kind
  { kind: 'delete', eid: 5 },
  // @ts-expect-error a set has a value
  { kind: 'set', eid: 5, cid: 1 },
];
