// SPDX-License-Identifier: MIT
// noctjs/ecs-benchmark's frag_iter, in our own code: 26 components, 100 entities with each, and
// Data on all of them; one system that doubles Data.

import { addComponents, addEntity, createWorld as createBitWorld, query } from 'bitecs';
import { createWorld as createKootaWorld, trait } from 'koota';
import { World as MiniplexWorld } from 'miniplex';
import { World as PiecsWorld, createEntitySystem } from 'piecs';
import { World, defineComponent } from 'skep';
import { expectNumber, type Contender, type Row } from '../row.ts';

const N = 100;
const KINDS = 26;

/** A value that was 1 and doubled so often, as f32: infinite after 128 times, and stays so. */
function expectDoubled(got: number, runs: number): void {
  expectNumber(Math.fround(got), Math.fround(2 ** Math.min(runs, 128)), 'Data');
}

const limit: Contender = {
  name: 'typed arrays',
  role: 'limit',
  make: () => {
    const columns = Array.from({ length: KINDS }, () => new Float32Array(N).fill(1));
    return {
      run() {
        for (let k = 0; k < KINDS; k++) {
          const column = columns[k]!;
          for (let i = 0; i < N; i++) column[i]! *= 2;
        }
      },
      check(runs) {
        for (const column of columns) expectDoubled(column[N - 1]!, runs);
      },
    };
  },
};

const ours: Contender = {
  name: 'skep',
  role: 'ours',
  make: () => {
    const world = new World();
    const Data = defineComponent({
      name: 'Data',
      fields: { value: 'f32' },
      defaults: { value: 1 },
    });
    const last = Array.from({ length: KINDS }, (_, k) => {
      const Kind = defineComponent({ name: `Kind${k}`, fields: { value: 'f32' } });
      return world.spawnMany([Kind, Data], N)[N - 1]!;
    });
    return {
      run() {
        world.each({ write: [Data] }, (n, { value }) => {
          for (let i = 0; i < n; i++) value[i]! *= 2;
        });
      },
      check(runs) {
        for (const entity of last) expectDoubled(world.get(entity, Data)!.value, runs);
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
    const Data = { value: new Float32Array(KINDS * N + 1) };
    for (let k = 0; k < KINDS; k++) {
      const Kind = { value: new Float32Array(KINDS * N + 1) };
      for (let i = 0; i < N; i++) {
        const e = addEntity(world);
        addComponents(world, e, Kind, Data);
        Data.value[e] = 1;
      }
    }
    return {
      run() {
        const { value } = Data;
        const found = query(world, [Data]);
        for (let i = 0; i < found.length; i++) value[found[i]!]! *= 2;
      },
      check(runs) {
        expectNumber(query(world, [Data]).length, KINDS * N, 'entities');
        expectDoubled(Data.value[KINDS * N]!, runs);
      },
    };
  },
};

const koota: Contender = {
  name: 'koota',
  role: 'peer',
  make: () => {
    const world = createKootaWorld();
    const Data = trait({ value: 0 });
    const made = Array.from({ length: KINDS }, () => {
      const Kind = trait({ value: 0 });
      return Array.from({ length: N }, () => world.spawn(Kind, Data({ value: 1 })));
    });
    return {
      run() {
        world.query(Data).useStores(([data], entities) => {
          for (let i = 0; i < entities.length; i++) data.value[entities[i]!.id()]! *= 2;
        });
      },
      check(runs) {
        for (const kind of made) expectDoubled(kind[N - 1]!.get(Data)!.value, runs);
      },
      close: () => world.destroy(),
    };
  },
};

const miniplex: Contender = {
  name: 'miniplex',
  role: 'peer',
  make: () => {
    const world = new MiniplexWorld<Record<string, number>>();
    const all = world.with('data');
    for (let k = 0; k < KINDS; k++) {
      for (let i = 0; i < N; i++) world.add({ data: 1, [String.fromCharCode(97 + k) + '_']: 0 });
    }
    return {
      run() {
        for (const entity of all) entity['data']! *= 2;
      },
      check(runs) {
        expectNumber(all.entities.length, KINDS * N, 'entities');
        for (const entity of all) expectDoubled(entity['data']!, runs);
      },
    };
  },
};

const piecs: Contender = {
  name: 'piecs',
  role: 'peer',
  make: () => {
    const world = new PiecsWorld();
    const data = world.createComponentId();
    const value = new Float32Array(KINDS * N).fill(1);
    world.registerSystem(
      createEntitySystem(
        entities => {
          for (let i = 0; i < entities.length; i++) value[entities[i]!]! *= 2;
        },
        q => q.every(data),
      ),
    );
    const kinds = Array.from({ length: KINDS }, () =>
      world.prefabricate([data, world.createComponentId()]),
    );
    world.initialize();
    for (const kind of kinds) for (let i = 0; i < N; i++) world.createEntity(kind);
    return {
      run: () => world.update(),
      check(runs) {
        for (let e = 0; e < KINDS * N; e++) expectDoubled(value[e]!, runs);
      },
    };
  },
};

const row: Row = {
  name: 'suite/frag_iter',
  title: '26 kinds of 100 entities, one system over all, one pass',
  unit: 'us',
  contenders: [limit, ours, bitecs, koota, miniplex, piecs],
  bars: [],
};
export default row;
