// SPDX-License-Identifier: MIT
// noctjs/ecs-benchmark's simple_iter, in our own code: 1,000 entities each with (A, B), (A, B, C),
// (A, B, C, D) and (A, B, C, E); three systems that swap A with B, C with D, and C with E.

import { addComponents, addEntity, createWorld as createBitWorld, query } from 'bitecs';
import { createWorld as createKootaWorld, trait } from 'koota';
import { World as MiniplexWorld } from 'miniplex';
import { World as PiecsWorld, createEntitySystem } from 'piecs';
import { World, defineComponent } from 'skep';
import { expectNumber, type Contender, type Row } from '../row.ts';

const N = 1000;
/** What A to E begin with. */
const START = [0, 1, 2, 3, 4];

/** The components of the four kinds of entities, by their place in START. */
const KINDS = [
  [0, 1],
  [0, 1, 2],
  [0, 1, 2, 3],
  [0, 1, 2, 4],
] as const;

/** Throws unless A of the first kind, C of the third and E of the fourth are what so many swaps
 * leave. */
function checkSwapped(runs: number, a: number, c: number, e: number): void {
  const odd = runs % 2;
  expectNumber(a, odd, 'A beside B');
  expectNumber(c, odd ? 3 : 2, 'C beside D');
  expectNumber(e, odd ? 2 : 4, 'E beside C');
}

const limit: Contender = {
  name: 'typed arrays',
  role: 'limit',
  make: () => {
    const kinds = KINDS.map(kind => kind.map(k => new Float32Array(N).fill(START[k]!)));
    const swap = (one: Float32Array, two: Float32Array): void => {
      for (let i = 0; i < N; i++) {
        const kept = one[i]!;
        one[i] = two[i]!;
        two[i] = kept;
      }
    };
    return {
      run() {
        for (let k = 0; k < 4; k++) swap(kinds[k]![0]!, kinds[k]![1]!);
        swap(kinds[2]![2]!, kinds[2]![3]!);
        swap(kinds[3]![2]!, kinds[3]![3]!);
      },
      check: runs => checkSwapped(runs, kinds[0]![0]![9]!, kinds[2]![2]![9]!, kinds[3]![3]![9]!),
    };
  },
};

const ours: Contender = {
  name: 'skep',
  role: 'ours',
  make: () => {
    const world = new World();
    const newComponent = (k: number) =>
      defineComponent({
        name: 'ABCDE'[k]!,
        fields: { value: 'f32' },
        defaults: { value: START[k]! },
      });
    const [a, b, c, d, e] = [
      newComponent(0),
      newComponent(1),
      newComponent(2),
      newComponent(3),
      newComponent(4),
    ] as const;
    const components = [a, b, c, d, e];
    const last = KINDS.map(
      kind =>
        world.spawnMany(
          kind.map(k => components[k]!),
          N,
        )[N - 1]!,
    );
    const swap = (one: typeof a, two: typeof a): void => {
      world.each({ write: [one, two] }, (n, { value: x }, { value: y }) => {
        for (let i = 0; i < n; i++) {
          const kept = x[i]!;
          x[i] = y[i]!;
          y[i] = kept;
        }
      });
    };
    return {
      run() {
        swap(a, b);
        swap(c, d);
        swap(c, e);
      },
      check: runs =>
        checkSwapped(
          runs,
          world.get(last[0]!, a)!.value,
          world.get(last[2]!, c)!.value,
          world.get(last[3]!, e)!.value,
        ),
      close: () => world.dispose(),
    };
  },
};

const bitecs: Contender = {
  name: 'bitecs',
  role: 'peer',
  make: () => {
    const world = createBitWorld();
    const components = START.map(() => ({ value: new Float32Array(4 * N + 1) }));
    const last = KINDS.map(kind => {
      let e = 0;
      for (let i = 0; i < N; i++) {
        e = addEntity(world);
        addComponents(world, e, ...kind.map(k => components[k]!));
        for (const k of kind) components[k]!.value[e] = START[k]!;
      }
      return e;
    });
    const [a, b, c, d, e] = components as [
      { value: Float32Array },
      { value: Float32Array },
      { value: Float32Array },
      { value: Float32Array },
      { value: Float32Array },
    ];
    const swap = (one: { value: Float32Array }, two: { value: Float32Array }): void => {
      const found = query(world, [one, two]);
      const { value: x } = one;
      const { value: y } = two;
      for (let i = 0; i < found.length; i++) {
        const id = found[i]!;
        const kept = x[id]!;
        x[id] = y[id]!;
        y[id] = kept;
      }
    };
    return {
      run() {
        swap(a, b);
        swap(c, d);
        swap(c, e);
      },
      check: runs => checkSwapped(runs, a.value[last[0]!]!, c.value[last[2]!]!, e.value[last[3]!]!),
    };
  },
};

const koota: Contender = {
  name: 'koota',
  role: 'peer',
  make: () => {
    const world = createKootaWorld();
    const newTrait = () => trait({ value: 0 });
    const [a, b, c, d, e] = [newTrait(), newTrait(), newTrait(), newTrait(), newTrait()] as const;
    const traits = [a, b, c, d, e];
    const last = KINDS.map(kind =>
      Array.from({ length: N }, () =>
        world.spawn(...kind.map(k => traits[k]!({ value: START[k]! }))),
      ).at(-1)!,
    );
    const swap = (one: typeof a, two: typeof a): void => {
      world.query(one, two).useStores(([x, y], entities) => {
        for (let i = 0; i < entities.length; i++) {
          const id = entities[i]!.id();
          const kept = x.value[id]!;
          x.value[id] = y.value[id]!;
          y.value[id] = kept;
        }
      });
    };
    return {
      run() {
        swap(a, b);
        swap(c, d);
        swap(c, e);
      },
      check: runs =>
        checkSwapped(runs, last[0]!.get(a)!.value, last[2]!.get(c)!.value, last[3]!.get(e)!.value),
      close: () => world.destroy(),
    };
  },
};

const miniplex: Contender = {
  name: 'miniplex',
  role: 'peer',
  make: () => {
    interface Entity {
      a: number;
      b: number;
      c?: number;
      d?: number;
      e?: number;
    }
    const world = new MiniplexWorld<Entity>();
    const [ab, cd, ce] = [world.with('a', 'b'), world.with('c', 'd'), world.with('c', 'e')];
    const last: Entity[] = [];
    for (let i = 0; i < N; i++) {
      last[0] = world.add({ a: 0, b: 1 });
      world.add({ a: 0, b: 1, c: 2 });
      last[2] = world.add({ a: 0, b: 1, c: 2, d: 3 });
      last[3] = world.add({ a: 0, b: 1, c: 2, e: 4 });
    }
    return {
      run() {
        for (const entity of ab) [entity.a, entity.b] = [entity.b, entity.a];
        for (const entity of cd) [entity.c, entity.d] = [entity.d, entity.c];
        for (const entity of ce) [entity.c, entity.e] = [entity.e, entity.c];
      },
      check: runs => checkSwapped(runs, last[0]!.a, last[2]!.c!, last[3]!.e!),
    };
  },
};

const piecs: Contender = {
  name: 'piecs',
  role: 'peer',
  make: () => {
    const world = new PiecsWorld();
    const ids = START.map(() => world.createComponentId());
    const columns = START.map(() => new Float32Array(4 * N));
    const swap = (one: number, two: number): void => {
      const x = columns[one]!;
      const y = columns[two]!;
      world.registerSystem(
        createEntitySystem(
          entities => {
            for (let i = 0; i < entities.length; i++) {
              const id = entities[i]!;
              const kept = x[id]!;
              x[id] = y[id]!;
              y[id] = kept;
            }
          },
          q => q.every(ids[one]!, ids[two]!),
        ),
      );
    };
    swap(0, 1);
    swap(2, 3);
    swap(2, 4);
    const kinds = KINDS.map(kind => world.prefabricate(kind.map(k => ids[k]!)));
    world.initialize();
    const last = KINDS.map((kind, at) => {
      let e = 0;
      for (let i = 0; i < N; i++) {
        e = world.createEntity(kinds[at]);
        for (const k of kind) columns[k]![e] = START[k]!;
      }
      return e;
    });
    return {
      run: () => world.update(),
      check: runs =>
        checkSwapped(runs, columns[0]![last[0]!]!, columns[2]![last[2]!]!, columns[4]![last[3]!]!),
    };
  },
};

const row: Row = {
  name: 'suite/simple_iter',
  title: '4,000 entities of four kinds, three systems that swap',
  unit: 'us',
  contenders: [limit, ours, bitecs, koota, miniplex, piecs],
  bars: [],
};
export default row;
