// SPDX-License-Identifier: MIT
// noctjs/ecs-benchmark's entity_cycle, in our own code: for each of 1,000 entities with A two new
// ones with B and A's value are made, then all with B are destroyed.

import {
  addComponent,
  addEntity,
  createWorld as createBitWorld,
  query,
  removeEntity,
} from 'bitecs';
import { createWorld as createKootaWorld, trait } from 'koota';
import { World as MiniplexWorld } from 'miniplex';
import { World as PiecsWorld, createEntitySystem } from 'piecs';
import { World, defineComponent } from 'skep';
import { expectNumber, type Contender, type Row } from '../row.ts';

const N = 1000;
/** The sum of B over all made in one cycle: each i twice. */
const SUM = N * (N - 1);

/** Throws unless a cycle made what it should, and nothing of it is left. */
function checkCycle(made: number, sum: number, left: number): void {
  expectNumber(made, 2 * N, 'entities made');
  expectNumber(sum, SUM, 'the sum of their values');
  expectNumber(left, 0, 'entities left');
}

const limit: Contender = {
  name: 'free list',
  role: 'limit',
  make: () => {
    const a = Float32Array.from({ length: N }, (_, i) => i);
    const b = new Float32Array(3 * N);
    const generation = new Uint32Array(3 * N);
    const live = new Uint32Array(2 * N);
    const free = Uint32Array.from({ length: 3 * N }, (_, i) => 3 * N - 1 - i);
    let freeCount = 3 * N;
    let count = 0;
    let made = 0;
    let sum = 0;
    return {
      run() {
        for (let i = 0; i < N; i++) {
          for (let k = 0; k < 2; k++) {
            const id = free[--freeCount]!;
            live[count++] = id;
            b[id] = a[i]!;
          }
        }
        made = count;
        sum = 0;
        while (count > 0) {
          const id = live[--count]!;
          sum += b[id]!;
          generation[id]!++;
          free[freeCount++] = id;
        }
      },
      check: () => checkCycle(made, sum, count),
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
    for (let i = 0; i < N; i++) world.spawn([A, { value: i }]);
    let made = 0;
    let sum = 0;
    return {
      run() {
        world.each({ read: [A] }, (n, { value }) => {
          for (let i = 0; i < n; i++) {
            world.spawn([B, { value: value[i]! }]);
            world.spawn([B, { value: value[i]! }]);
          }
        });
        made = 0;
        sum = 0;
        world.each({ read: [B] }, (n, { value }, entities) => {
          made += n;
          for (let i = 0; i < n; i++) {
            sum += value[i]!;
            world.destroy(entities.at(i));
          }
        });
      },
      check: () => checkCycle(made, sum, world.count({ with: [B] })),
      close: () => world.dispose(),
    };
  },
};

const bitecs: Contender = {
  name: 'bitecs',
  role: 'peer',
  make: () => {
    const world = createBitWorld();
    const A = { value: new Float32Array(4 * N) };
    const B = { value: new Float32Array(4 * N) };
    for (let i = 0; i < N; i++) {
      const e = addEntity(world);
      addComponent(world, e, A);
      A.value[e] = i;
    }
    let made = 0;
    let sum = 0;
    return {
      run() {
        for (const e of query(world, [A])) {
          for (let k = 0; k < 2; k++) {
            const born = addEntity(world);
            addComponent(world, born, B);
            B.value[born] = A.value[e]!;
          }
        }
        const found = [...query(world, [B])];
        made = found.length;
        sum = 0;
        for (const e of found) {
          sum += B.value[e]!;
          removeEntity(world, e);
        }
      },
      check: () => checkCycle(made, sum, query(world, [B]).length),
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
    for (let i = 0; i < N; i++) world.spawn(A({ value: i }));
    let made = 0;
    let sum = 0;
    return {
      run() {
        for (const e of world.query(A)) {
          const { value } = e.get(A)!;
          world.spawn(B({ value }));
          world.spawn(B({ value }));
        }
        const found = world.query(B);
        made = found.length;
        sum = 0;
        for (const e of found) {
          sum += e.get(B)!.value;
          e.destroy();
        }
      },
      check: () => checkCycle(made, sum, world.query(B).length),
      close: () => world.destroy(),
    };
  },
};

const miniplex: Contender = {
  name: 'miniplex',
  role: 'peer',
  make: () => {
    const world = new MiniplexWorld<{ a?: number; b?: number }>();
    const as = world.with('a');
    const bs = world.with('b');
    for (let i = 0; i < N; i++) world.add({ a: i });
    let made = 0;
    let sum = 0;
    return {
      run() {
        for (const { a } of as) {
          world.add({ b: a });
          world.add({ b: a });
        }
        made = bs.entities.length;
        sum = 0;
        // The bucket's iterator goes from the last to the first, so that removing is allowed.
        for (const entity of bs) {
          sum += entity.b;
          world.remove(entity);
        }
      },
      check: () => checkCycle(made, sum, bs.entities.length),
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
    const withB = world.prefabricate([b]);
    const value = new Float32Array(4 * N);
    let made = 0;
    let sum = 0;
    world.registerSystem(
      createEntitySystem(
        entities => {
          for (let i = 0; i < entities.length; i++) {
            value[world.createEntity(withB)] = value[entities[i]!]!;
            value[world.createEntity(withB)] = value[entities[i]!]!;
          }
        },
        q => q.every(a),
      ),
    );
    world.registerSystem(
      createEntitySystem(
        entities => {
          made = entities.length;
          sum = 0;
          for (let i = entities.length - 1; i >= 0; i--) {
            sum += value[entities[i]!]!;
            world.deleteEntity(entities[i]!);
          }
        },
        q => q.every(b),
      ),
    );
    world.initialize();
    for (let i = 0; i < N; i++) value[world.createEntity(withA)] = i;
    return {
      run: () => world.update(),
      check: () => checkCycle(made, sum, withB.entities.length),
    };
  },
};

const row: Row = {
  name: 'suite/entity_cycle',
  title: 'make 2,000 entities from 1,000 and destroy them, one cycle',
  unit: 'us',
  contenders: [limit, ours, bitecs, koota, miniplex, piecs],
  bars: [],
};
export default row;
