// SPDX-License-Identifier: MIT
// Adding a component to 10,000 entities and removing it again; an operation is one add or one
// remove. The limit is piecs, which moves no data: an entity's values stay where its number is.

import {
  addComponent,
  addComponents,
  addEntity,
  createWorld as createBitWorld,
  query,
  removeComponent,
} from 'bitecs';
import { createWorld as createKootaWorld, trait } from 'koota';
import { World as MiniplexWorld } from 'miniplex';
import { World as PiecsWorld, buildQuery, createArchetypeSystem } from 'piecs';
import { defineComponent } from 'skep';
import { makeMovers } from '../ours.ts';
import { expectNumber, type Contender, type Row } from '../row.ts';

const N = 10_000;

const piecs: Contender = {
  name: 'piecs',
  role: 'limit',
  make: () => {
    const world = new PiecsWorld();
    const pos = world.createComponentId();
    const vel = world.createComponentId();
    const mark = world.createComponentId();
    const marked = buildQuery(q => q.every(mark));
    world.registerSystem(createArchetypeSystem(() => {}, marked));
    const both = world.prefabricate([pos, vel]);
    world.initialize();
    const value = new Float32Array(N);
    const ids = Array.from({ length: N }, () => world.createEntity(both));
    const count = (): number =>
      marked.archetypes.reduce((sum, { entities }) => sum + entities.length, 0);
    let seen = 0;
    return {
      run() {
        for (let i = 0; i < N; i++) {
          world.addComponent(ids[i]!, mark);
          value[ids[i]!] = i;
        }
        seen = count();
        for (let i = 0; i < N; i++) world.removeComponent(ids[i]!, mark);
      },
      check() {
        expectNumber(seen, N, 'marked entities');
        expectNumber(count(), 0, 'marked entities afterwards');
      },
    };
  },
};

const Mark = defineComponent({ name: 'Mark', fields: { value: 'f32' } });

const ours: Contender = {
  name: 'skep',
  role: 'ours',
  make: () => {
    const { world, entities } = makeMovers(N);
    let seen = world.count({ with: [Mark] });
    return {
      run() {
        for (let i = 0; i < N; i++) world.add(entities[i]!, Mark, { value: i });
        seen = world.count({ with: [Mark] });
        for (let i = 0; i < N; i++) world.remove(entities[i]!, Mark);
        world.flush();
      },
      check() {
        expectNumber(seen, N, 'marked entities');
        expectNumber(world.count({ with: [Mark] }), 0, 'marked entities afterwards');
      },
      close: () => world.dispose(),
    };
  },
};

const bitecs: Contender = {
  name: 'bitecs',
  role: 'peer',
  make: () => {
    const world = createBitWorld();
    const Pos = { x: new Float32Array(N + 1), y: new Float32Array(N + 1) };
    const Vel = { x: new Float32Array(N + 1), y: new Float32Array(N + 1) };
    const Mark = { value: new Float32Array(N + 1) };
    const ids = Array.from({ length: N }, () => {
      const e = addEntity(world);
      addComponents(world, e, Pos, Vel);
      return e;
    });
    query(world, [Pos, Vel]);
    let seen = query(world, [Mark]).length;
    return {
      run() {
        for (let i = 0; i < N; i++) {
          addComponent(world, ids[i]!, Mark);
          Mark.value[ids[i]!] = i;
        }
        seen = query(world, [Mark]).length;
        for (let i = 0; i < N; i++) removeComponent(world, ids[i]!, Mark);
      },
      check() {
        expectNumber(seen, N, 'marked entities');
        expectNumber(query(world, [Mark]).length, 0, 'marked entities afterwards');
      },
    };
  },
};

const koota: Contender = {
  name: 'koota',
  role: 'peer',
  make: () => {
    const world = createKootaWorld();
    const Pos = trait({ x: 0, y: 0 });
    const Vel = trait({ x: 0, y: 0 });
    const Mark = trait({ value: 0 });
    const made = Array.from({ length: N }, () => world.spawn(Pos, Vel));
    let seen = world.query(Mark).length;
    return {
      run() {
        for (let i = 0; i < N; i++) made[i]!.add(Mark({ value: i }));
        seen = world.query(Mark).length;
        for (let i = 0; i < N; i++) made[i]!.remove(Mark);
      },
      check() {
        expectNumber(seen, N, 'marked entities');
        expectNumber(world.query(Mark).length, 0, 'marked entities afterwards');
      },
      close: () => world.destroy(),
    };
  },
};

const miniplex: Contender = {
  name: 'miniplex',
  role: 'peer',
  make: () => {
    interface Entity {
      pos: { x: number };
      vel: { x: number };
      mark?: { value: number };
    }
    const world = new MiniplexWorld<Entity>();
    const marked = world.with('mark');
    const made = Array.from({ length: N }, () => world.add({ pos: { x: 0 }, vel: { x: 0 } }));
    let seen = marked.entities.length;
    return {
      run() {
        for (let i = 0; i < N; i++) world.addComponent(made[i]!, 'mark', { value: i });
        seen = marked.entities.length;
        for (let i = 0; i < N; i++) world.removeComponent(made[i]!, 'mark');
      },
      check() {
        expectNumber(seen, N, 'marked entities');
        expectNumber(marked.entities.length, 0, 'marked entities afterwards');
      },
    };
  },
};

const row: Row = {
  name: 'add-remove',
  title: 'add and remove a component, 10,000 entities, one operation',
  unit: 'ns',
  per: 2 * N,
  contenders: [piecs, ours, bitecs, koota, miniplex],
  bars: [{ of: 'skep', value: 60 }],
};
export default row;
