// SPDX-License-Identifier: MIT
// JavaScript jobs that take part in the C scene `bullets`, by its own components and events: a
// split job, one that spawns, puts and sends, one that destroys, one called once with all rows.
// The same module runs on Node, in browser workers and in process.

import { defineComponent, defineEvent, defineJob, type JobInput } from 'skep/worker';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
export const Gun = defineComponent({ name: 'Gun', fields: { wait: 'f32', kills: 'u32' } });
export const Shot = defineComponent({
  name: 'Shot',
  fields: { damage: 'f32', life: 'f32', by: 'entity' },
});
export const Hp = defineComponent({ name: 'Hp', fields: { hp: 'f32' } });
export const Hit = defineEvent({ name: 'Hit', fields: { amount: 'f32', by: 'entity' } });
/** The only component that the scene does not know. */
export const Spark = defineComponent({ name: 'Spark', fields: { left: 'i16', seen: 'f64' } });

const module = import.meta.url;

type WindInput = JobInput<readonly [typeof Pos, typeof Shot], readonly [typeof Vel], number>;

/** Bends the way of bullets: old values, new values, random numbers, a value from outside. */
export const wind = defineJob(
  { name: 'wind', reads: [Pos, Shot], writes: [Vel], module },
  ({ n, cols, out, entities, dt, extra: gust, random }: WindInput) => {
    for (let i = 0; i < n; i++) {
      const push = random(entities.at(i), 0) - 0.5;
      out.Vel.x[i] = cols.Vel.x[i]! + (cols.Pos.y[i]! - cols.Shot.life[i]!) * gust * dt;
      out.Vel.y[i]! += push * dt;
    }
  },
);

/** Targets lose sparks now and then, are hurt by their own, and are healed once in a while. */
export const glow = defineJob(
  {
    name: 'glow',
    reads: [Pos],
    with: [Hp],
    puts: [Spark, Pos, Hp],
    emits: [Hit],
    spawnMax: 1024,
    module,
  },
  ({ n, cols, entities, tick, random, spawn, put, send }) => {
    for (let i = 0; i < n; i++) {
      const own = entities.at(i);
      const chance = random(own, 1);
      if (chance < 0.01) {
        const spark = spawn();
        put(spark, Spark, { left: 5 + Math.floor(chance * 1000), seen: tick });
        put(spark, Pos, { x: cols.Pos.x[i]!, y: cols.Pos.y[i]! + chance });
      } else if (chance < 0.02) {
        send(Hit, own, { amount: 1 + chance, by: own });
      } else if (chance < 0.03) {
        put(own, Hp, { hp: 3 + chance });
      }
    }
  },
);

/** Sparks go out. */
export const fade = defineJob(
  { name: 'fade', writes: [Spark], destroys: true, module },
  ({ n, cols, out, entities, dt, destroy }) => {
    for (let i = 0; i < n; i++) {
      out.Spark.left[i] = cols.Spark.left[i]! - 1;
      out.Spark.seen[i]! += dt;
      if (out.Spark.left[i]! < 0) destroy(entities.at(i));
    }
  },
);

/** All guns at once: each waits a little longer, the more its neighbour in the list has killed. */
export const census = defineJob(
  { name: 'census', writes: [Gun], split: false, module },
  ({ n, cols, out, eids, random }) => {
    for (let i = 0; i < n; i++) {
      const next = (i + 1) % n;
      out.Gun.wait[i] =
        cols.Gun.wait[i]! + cols.Gun.kills[next]! * 1e-4 + random(eids[i]!, 2) * 1e-3;
    }
  },
);

export const ALL = [wind, glow, fade, census];
