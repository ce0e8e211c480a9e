// SPDX-License-Identifier: MIT
// What the compiler says of worlds: values, entities, queries, events and prefabs. Nothing here
// runs: a line that is expected to be an error must be one, every other must be none.

import {
  defineComponent,
  defineEvent,
  definePrefab,
  defineResource,
  World,
  type Entity,
  type EntityColumnView,
  type Snapshot,
  type Value,
} from 'skep';
import { Damage, Pos } from './components.ts';

const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
const Meta = defineComponent({
  name: 'Meta',
  defaults: () => ({ title: '', tags: new Set<string>() }),
});
const Hit = defineEvent({ name: 'Hit', fields: { amount: 'f32', by: 'entity' } });
const Rules = defineResource({ name: 'Rules', fields: { near: 'f32' } });

const world = new World({ limits: { entities: 200_000 } });
// @ts-expect-error a misspelt limit
new World({ limits: { entites: 1 } });

const e: Entity = world.spawn([Pos, { x: 1 }], Vel);
world.spawn(Pos, [Vel, { x: 1, y: 2 }], [Damage, { by: e }], [Meta, { title: 'a' }]);
// @ts-expect-error no component
world.spawn('Pos');
// @ts-expect-error a misspelt field
world.spawn([Pos, { xx: 1 }]);
// @ts-expect-error beside a right one, too
world.spawn(Vel, [Pos, { x: 1, xx: 1 }]);
// @ts-expect-error a value of another type
world.spawn([Pos, { x: '1' }], Vel);
// @ts-expect-error a number is no entity
world.spawn([Damage, { by: 3 }]);
// @ts-expect-error a value of an object component
world.spawn([Meta, { title: 1 }]);

const pos: Value<typeof Pos> | undefined = world.get(e, Pos);
// @ts-expect-error it may be gone
world.get(e, Pos).x;
// @ts-expect-error no such field
world.get(e, Pos)?.z;
const tags: Set<string> | undefined = world.get(e, Meta)?.tags;
world.set(e, Pos, { x: 1 });
world.set(e, Meta, { title: 'a' });
world.add(e, Damage, { by: e });
// @ts-expect-error misspelt
world.set(e, Pos, { xx: 1 });
// @ts-expect-error a number is no entity
world.get(3, Pos);
// @ts-expect-error nor as a value
world.set(e, Damage, { by: 3 });
// @ts-expect-error nor to be destroyed
world.destroy(3);
// @ts-expect-error of a field's type
world.add(e, Damage, { amount: true });
// @ts-expect-error of an object component's
world.set(e, Meta, { title: 1 });
void [pos, tags];

world.each({ write: [Pos], read: [Vel] }, (n, p, v, entities) => {
  for (let i = 0; i < n; i++) p.x[i]! += v.x[i]!;
  const first: Entity = entities.at(0);
  const handles: EntityColumnView = entities;
  void [first, handles];
  // @ts-expect-error columns to be read are readonly
  v.x[0] = 1;
  // @ts-expect-error no such field
  p.z;
  // @ts-expect-error handles are readonly
  entities.set(0, first);
});
// @ts-expect-error read comes after write: three columns are not there
world.each({ read: [Vel] }, (n, v, entities, rows, more) => void [n, v, entities, rows, more]);
// @ts-expect-error a misspelt list
world.each({ reads: [Vel] }, () => {});
world.each({ read: [Pos], optional: [Vel] }, (n, p, v) => {
  // @ts-expect-error what is optional may not be there
  v.x[0];
  return void [n, p.x[0], v?.x[0]];
});

const query = world.query({ read: [Pos], changed: [Pos] });
query.run((n, p) => void [n, p.y[0]]);
// @ts-expect-error a number is no component
world.query({ with: [3] });

world.send(Hit, e, { amount: 1, by: e });
world.send(Hit, 0, { amount: 1 });
// @ts-expect-error a number other than 0 is no entity
world.send(Hit, 3, { amount: 1 });
// @ts-expect-error a misspelt field
world.send(Hit, e, { amuont: 1 });
const heard: number | undefined = world.events(Hit).events[0]?.value.amount;
const near: number | undefined = world.resource(Rules)?.near;
// @ts-expect-error misspelt
world.setResource(Rules, { naer: 1 });
void [heard, near];

const Bullet = definePrefab('Bullet', [Pos, [Vel, { x: 9 }]]);
const bullets: Entity[] = world.spawnMany(Bullet, 10);
world.spawn(Bullet, { Pos: { x: 1 }, Damage: { amount: 2 } });
world.spawnMany(Bullet, 10, (columns, n) => {
  for (let i = 0; i < n; i++) columns.Pos.x[i] = columns.Vel.y[i]!;
  // @ts-expect-error the prefab has no Damage
  columns.Damage;
});
world.spawnMany([[Pos, { x: 1 }], Vel], 10, ({ Vel: vel }) => void vel.x.fill(1));
// @ts-expect-error a misspelt field
world.spawnMany([[Pos, { z: 1 }], Vel], 10);
// @ts-expect-error a value of another type
world.spawn(Bullet, { Pos: { x: '1' } });
void bullets;
// @ts-expect-error a misspelt field of a prefab
definePrefab('Wrong', [[Vel, { z: 9 }]]);

const snapshot: Snapshot = world.snapshot();
world.restore(snapshot);
// @ts-expect-error bytes are loaded, not restored
world.restore(world.save());
const hash: bigint = world.hash();
void hash;
