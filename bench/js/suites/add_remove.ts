// SPDX-License-Identifier: MIT
// noctjs/ecs-benchmark's add_remove, in our own code: B is added to all of 1,000 entities with A,
// then removed from all that have it.

import {
  addComponent,
  addEntity,
  createWorld as createBitWorld,
  query,
  removeComponent,
} from 'bitecs';
import { createWorld as createKootaWorld, trait } from 'koota';
import { World as MiniplexWorld } from 'miniplex';
import { World as PiecsWorld, createEntitySystem } from 'piecs';
import { World, defineComponent } from 'skep';
import { expectNumber, type Contender, type Row } from '../row.ts';

const N = 1000;

/** Throws unless all had B in the middle of a pass and none has it now. */
function checkMarked(between: number, now: number): void {
  expectNumber(between, N, 'entities with B');
  expectNumber(now, 0, 'entities with B afterwards');
}

const limit: Contender = {
  name: 'sparse set',
  role: 'limit',
  make: () => {
    const dense = new Uint32Array(N);
    const place = new Int32Array(N).fill(-1);
    let count = 0;
    let between = 0;
    return {
      run() {
        for (let i = 0; i < N; i++) {
          place[i] = count;
          dense[count++] = i;
        }
        between = count;
        for (let at = count - 1; at >= 0; at--) {
          const id = dense[at]!;
          const last = dense[--count]!;
          dense[place[id]!] = last;
          place[last] = place[id]!;
          place[id] = -1;
        }
      },
      check: () => checkMarked(between, count),
    };
  },
};

const ours: Contender = {
  name: 'skep',
  role: 'ours',
  make: () => {
    const world = new World();
    const A = defineComponent({ name: 'A', fields: { value: 'f32' } });
    const B = defineComponent({ name: 'B', fields: { value: 'f32' } });
    for (let i = 0; i < N; i++) world.spawn(A);
    let between = 0;
    return {
      run() {
        world.each({ with: [A] }, (n, entities) => {
          for (let i = 0; i < n; i++) world.add(entities.at(i), B);
        });
        between = 0;
        world.each({ with: [B] }, (n, entities) => {
          between += n;
          for (let i = 0; i < n; i++) world.remove(entities.at(i), B);
        });
      },
      check: () => checkMarked(between, world.count({ with: [B] })),
      close: () => world.dispose(),
    };
  },
};

const bitecs: Contender = {
  name: 'bitecs',
  role: 'peer',
  make: () => {
    const world = createBitWorld();
    const A = { value: new Float32Array(N + 1) };
    const B = { value: new Float32Array(N + 1) };
    for (let i = 0; i < N; i++) addComponent(world, addEntity(world), A);
    let between = 0;
    return {
      run() {
        for (const e of query(world, [A])) addComponent(world, e, B);
        const found = [...query(world, [B])];
        between = found.length;
        for (const e of found) removeComponent(world, e, B);
      },
      check: () => checkMarked(between, query(world, [B]).length),
    };
  },
};

const koota: Contender = {
  name: 'koota',
  role: 'peer',
  make: () => {
    const world = createKootaWorld();
    const A = trait({ value: 0 });
    const B = trait({ value: 0 });
    for (let i = 0; i < N; i++) world.spawn(A);
    let between = 0;
    return {
      run() {
        for (const e of world.query(A)) e.add(B);
        const found = world.query(B);
        between = found.length;
        for (const e of found) e.remove(B);
      },
      check: () => checkMarked(between, world.query(B).length),
      close: () => world.destroy(),
    };
  },
};

const miniplex: Contender = {
  name: 'miniplex',
  role: 'peer',
  make: () => {
    const world = new MiniplexWorld<{ a: number; b?: number }>();
    const as = world.with('a');
    const bs = world.with('b');
    for (let i = 0; i < N; i++) world.add({ a: i });
    let between = 0;
    return {
      run() {
        for (const entity of as) world.addComponent(entity, 'b', 0);
        between = bs.entities.length;
        for (const entity of bs) world.removeComponent(entity, 'b');
      },
      check: () => checkMarked(between, bs.entities.length),
    };
  },
};

const piecs: Contender = {
  name: 'piecs',
  role: 'peer',
  make: () => {
    const world = new PiecsWorld();
    const a = world.createComponentId();
    const b = world.createComponentId();
    const withA = world.prefabricate([a]);
    const withBoth = world.prefabricate([a, b]);
    let between = 0;
    world.registerSystem(
      createEntitySystem(
        entities => {
          for (let i = entities.length - 1; i >= 0; i--) world.addComponent(entities[i]!, b);
        },
        q => q.every(a).not(b),
      ),
    );
    world.registerSystem(
      createEntitySystem(
        entities => {
          between = entities.length;
          for (let i = entities.length - 1; i >= 0; i--) world.removeComponent(entities[i]!, b);
        },
        q => q.every(b),
      ),
    );
    world.initialize();
    for (let i = 0; i < N; i++) world.createEntity(withA);
    return {
      run: () => world.update(),
      check: () => checkMarked(between, withBoth.entities.length),
    };
  },
};

const row: Row = {
  name: 'suite/add_remove',
  title: 'add B to 1,000 entities and remove it, one pass',
  unit: 'us',
  contenders: [limit, ours, bitecs, koota, miniplex, piecs],
  bars: [],
};
export default row;
