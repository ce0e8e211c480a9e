// SPDX-License-Identifier: MIT
// A snapshot of a world of 100,000 entities with position and velocity: kept in memory so that the
// world can go back to it, and written out as bytes. The limit copies the four columns and the ids.

import { addComponents, addEntity, createWorld as createBitWorld } from 'bitecs';
import { createSnapshotDeserializer, createSnapshotSerializer } from 'bitecs/serialization';
import { checkMoved, makeColumns, speedX, speedY, startX, startY } from '../movers.ts';
import { World } from 'skep';
import { Pos, Vel } from '../jobs/components.ts';
import { makeMovers } from '../ours.ts';
import { expectNumber, type Contender, type Row } from '../row.ts';

const N = 100_000;

const copies: Contender = {
  name: 'column copies',
  role: 'limit',
  make: () => {
    const { px, py, vx, vy } = makeColumns(N);
    const ids = Uint32Array.from({ length: N }, (_, i) => i);
    const kept = makeColumns(N);
    const keptIds = new Uint32Array(N);
    return {
      run() {
        kept.px.set(px);
        kept.py.set(py);
        kept.vx.set(vx);
        kept.vy.set(vy);
        keptIds.set(ids);
      },
      check() {
        checkMoved(N, 0, i => ({ x: kept.px[i]!, y: kept.py[i]! }));
        expectNumber(keptIds[N - 1]!, N - 1, 'the last id');
      },
    };
  },
};

const bytes: Contender = {
  name: 'column copies',
  role: 'limit',
  make: () => {
    const { px, py, vx, vy } = makeColumns(N);
    const ids = Uint32Array.from({ length: N }, (_, i) => i);
    const out = new Uint8Array(5 * 4 * N);
    const sources = [px, py, vx, vy, ids].map(column => new Uint8Array(column.buffer));
    return {
      run() {
        for (let k = 0; k < 5; k++) out.set(sources[k]!, k * 4 * N);
      },
      check() {
        const x = new Float32Array(out.buffer, 0, N);
        const y = new Float32Array(out.buffer, 4 * N, N);
        checkMoved(N, 0, i => ({ x: x[i]!, y: y[i]! }));
      },
    };
  },
};

const oursInMemory: Contender = {
  name: 'skep',
  role: 'ours',
  make: () => {
    const { world, entities } = makeMovers(N);
    return {
      run: () => world.snapshot().release(),
      check() {
        using snapshot = world.snapshot();
        checkMoved(N, 0, i => snapshot.get(entities[i]!, Pos)!);
      },
      close: () => world.dispose(),
    };
  },
};

const oursAsBytes: Contender = {
  name: 'skep',
  role: 'ours',
  make: () => {
    const { world, entities } = makeMovers(N);
    let saved = new Uint8Array(0);
    return {
      run() {
        saved = world.save();
      },
      check() {
        const other = new World({ limits: { entities: N + 1024 } });
        // What a world has not met it does not load.
        other.count({ with: [Pos, Vel] });
        other.load(saved);
        checkMoved(N, 0, i => other.get(entities[i]!, Pos)!);
        other.dispose();
      },
      close: () => world.dispose(),
    };
  },
};

const bitecs: Contender = {
  name: 'bitecs',
  role: 'peer',
  make: () => {
    const makeComponents = () =>
      Array.from({ length: 2 }, () => ({ x: new Float32Array(N + 1), y: new Float32Array(N + 1) }));
    const world = createBitWorld();
    const [Pos, Vel] = makeComponents();
    for (let i = 0; i < N; i++) {
      const e = addEntity(world);
      addComponents(world, e, Pos!, Vel!);
      Pos!.x[e] = startX(i);
      Pos!.y[e] = startY(i);
      Vel!.x[e] = speedX(i);
      Vel!.y[e] = speedY(i);
    }
    const serialize = createSnapshotSerializer(world, [Pos!, Vel!]);
    let packet = new ArrayBuffer(0);
    return {
      run() {
        packet = serialize();
      },
      check() {
        const components = makeComponents();
        const ids = createSnapshotDeserializer(createBitWorld(), components)(packet);
        const [x, y] = [components[0]!.x, components[0]!.y];
        expectNumber(ids.size, N, 'entities in the snapshot');
        checkMoved(N, 0, i => ({ x: x[ids.get(i + 1)!]!, y: y[ids.get(i + 1)!]! }));
      },
    };
  },
};

export const memory: Row = {
  name: 'snapshot',
  title: 'a snapshot of 100,000 entities in memory, taken and let go',
  unit: 'us',
  contenders: [copies, oursInMemory, bitecs],
  bars: [{ of: 'skep', value: 20 }],
};

export const saved: Row = {
  name: 'snapshot-bytes',
  title: 'a snapshot of 100,000 entities as bytes',
  unit: 'us',
  contenders: [bytes, oursAsBytes, bitecs],
  bars: [{ of: 'skep', value: 200 }],
};
