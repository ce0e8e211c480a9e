// SPDX-License-Identifier: MIT
// noctjs/ecs-benchmark's packed_5, in our own code: 1,000 entities with five components each; five
// systems, each of which doubles the value of one.

import { addComponents, addEntity, createWorld as createBitWorld, query } from 'bitecs';
import { createWorld as createKootaWorld, trait } from 'koota';
import { World as MiniplexWorld } from 'miniplex';
import { World as PiecsWorld, createEntitySystem } from 'piecs';
import { World, defineComponent } from 'skep';
import { expectNumber, type Contender, type Row } from '../row.ts';

const N = 1000;

/** A value that was 1 and doubled so often, as f32: infinite after 128 times, and stays so. */
function expectDoubled(got: number, runs: number, what: string): void {
  expectNumber(Math.fround(got), Math.fround(2 ** Math.min(runs, 128)), what);
}

const limit: Contender = {
  name: 'typed arrays',
  role: 'limit',
  make: () => {
    const columns = Array.from({ length: 5 }, () => new Float32Array(N).fill(1));
    const double = (column: Float32Array): void => {
      for (let i = 0; i < N; i++) column[i]! *= 2;
    };
    return {
      run() {
        for (let k = 0; k < 5; k++) double(columns[k]!);
      },
      check(runs) {
        for (const column of columns) expectDoubled(column[N - 1]!, runs, 'a value');
      },
    };
  },
};

const ours: Contender = {
  name: 'skep',
  role: 'ours',
  make: () => {
    const world = new World();
    const components = ['A', 'B', 'C', 'D', 'E'].map(name =>
      defineComponent({ name, fields: { value: 'f32' }, defaults: { value: 1 } }),
    );
    const entities = world.spawnMany(components, N);
    const system = (component: (typeof components)[number]): void => {
      world.each({ write: [component] }, (n, { value }) => {
        for (let i = 0; i < n; i++) value[i]! *= 2;
      });
    };
    return {
      run() {
        for (let k = 0; k < 5; k++) system(components[k]!);
      },
      check(runs) {
        for (const component of components) {
          expectDoubled(world.get(entities[N - 1]!, component)!.value, runs, 'a value');
        }
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
    const components = Array.from({ length: 5 }, () => ({ value: new Float32Array(N + 1) }));
    for (let i = 0; i < N; i++) {
      const e = addEntity(world);
      addComponents(world, e, ...components);
      for (const component of components) component.value[e] = 1;
    }
    const system = (component: { value: Float32Array }): void => {
      const { value } = component;
      const found = query(world, [component]);
      for (let i = 0; i < found.length; i++) value[found[i]!]! *= 2;
    };
    return {
      run() {
        for (let k = 0; k < 5; k++) system(components[k]!);
      },
      check(runs) {
        for (const component of components) {
          expectNumber(query(world, [component]).length, N, 'entities');
          expectDoubled(component.value[N]!, runs, 'a value');
        }
      },
    };
  },
};

const koota: Contender = {
  name: 'koota',
  role: 'peer',
  make: () => {
    const world = createKootaWorld();
    const components = Array.from({ length: 5 }, () => trait({ value: 0 }));
    const made = Array.from({ length: N }, () =>
      world.spawn(...components.map(component => component({ value: 1 }))),
    );
    const system = (component: (typeof components)[number]): void => {
      world.query(component).useStores(([store], entities) => {
        for (let i = 0; i < entities.length; i++) store.value[entities[i]!.id()]! *= 2;
      });
    };
    return {
      run() {
        for (let k = 0; k < 5; k++) system(components[k]!);
      },
      check(runs) {
        for (const component of components) {
          expectDoubled(made[N - 1]!.get(component)!.value, runs, 'a value');
        }
      },
      close: () => world.destroy(),
    };
  },
};

const miniplex: Contender = {
  name: 'miniplex',
  role: 'peer',
  make: () => {
    const world = new MiniplexWorld<{ a: number; b: number; c: number; d: number; e: number }>();
    const [as, bs, cs] = [world.with('a'), world.with('b'), world.with('c')];
    const [ds, es] = [world.with('d'), world.with('e')];
    const made = Array.from({ length: N }, () => world.add({ a: 1, b: 1, c: 1, d: 1, e: 1 }));
    return {
      run() {
        for (const entity of as) entity.a *= 2;
        for (const entity of bs) entity.b *= 2;
        for (const entity of cs) entity.c *= 2;
        for (const entity of ds) entity.d *= 2;
        for (const entity of es) entity.e *= 2;
      },
      check: runs => {
        expectDoubled(made[N - 1]!.a, runs, 'a');
        expectDoubled(made[0]!.e, runs, 'e');
      },
    };
  },
};

const piecs: Contender = {
  name: 'piecs',
  role: 'peer',
  make: () => {
    const world = new PiecsWorld();
    const ids = Array.from({ length: 5 }, () => world.createComponentId());
    const columns = ids.map(id => {
      const column = new Float32Array(N).fill(1);
      world.registerSystem(
        createEntitySystem(
          entities => {
            for (let i = 0; i < entities.length; i++) column[entities[i]!]! *= 2;
          },
          q => q.every(id),
        ),
      );
      return column;
    });
    const all = world.prefabricate(ids);
    world.initialize();
    for (let i = 0; i < N; i++) world.createEntity(all);
    return {
      run: () => world.update(),
      check(runs) {
        for (const column of columns) expectDoubled(column[N - 1]!, runs, 'a value');
      },
    };
  },
};

const row: Row = {
  name: 'suite/packed_5',
  title: '1,000 entities, five systems of one component each, one pass',
  unit: 'us',
  contenders: [limit, ours, bitecs, koota, miniplex, piecs],
  bars: [],
};
export default row;
