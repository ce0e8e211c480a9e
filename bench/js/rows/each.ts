// SPDX-License-Identifier: MIT
// A loop over columns on the calling thread: `pos += vel * dt` for 100,000 entities.

import { addComponents, addEntity, createWorld as createBitWorld, query } from 'bitecs';
import { createWorld as createKootaWorld, trait } from 'koota';
import { World as MiniplexWorld } from 'miniplex';
import { World as PiecsWorld, createEntitySystem } from 'piecs';
import { Pos, Vel } from '../jobs/components.ts';
import { DT, checkMoved, makeColumns, speedX, speedY, startX, startY } from '../movers.ts';
import { makeMovers } from '../ours.ts';
import type { Contender, Row } from '../row.ts';

const N = 100_000;

const limit: Contender = {
  name: 'typed arrays',
  role: 'limit',
  make: () => {
    const { px, py, vx, vy } = makeColumns(N);
    return {
      run() {
        for (let i = 0; i < N; i++) {
          px[i]! += vx[i]! * DT;
          py[i]! += vy[i]! * DT;
        }
      },
      check: runs => checkMoved(N, runs, i => ({ x: px[i]!, y: py[i]! })),
    };
  },
};

/** By hand with more than one set of arrays: 1,024 rows in each. V8 folds the addresses of arrays
 * into the code where there is one set alone. */
const sets: Contender = {
  name: 'sets of typed arrays',
  role: 'limit',
  make: () => {
    const { px, py, vx, vy } = makeColumns(N);
    const ROWS = 1024;
    const cut = (column: Float32Array, at: number): Float32Array => column.slice(at, at + ROWS);
    const all = Array.from({ length: Math.ceil(N / ROWS) }, (_, k) => ({
      px: cut(px, k * ROWS),
      py: cut(py, k * ROWS),
      vx: cut(vx, k * ROWS),
      vy: cut(vy, k * ROWS),
    }));
    return {
      run() {
        for (let k = 0; k < all.length; k++) {
          const { px: x, py: y, vx: dx, vy: dy } = all[k]!;
          for (let i = 0; i < x.length; i++) {
            x[i]! += dx[i]! * DT;
            y[i]! += dy[i]! * DT;
          }
        }
      },
      check: runs =>
        checkMoved(N, runs, i => {
          const set = all[Math.floor(i / ROWS)]!;
          return { x: set.px[i % ROWS]!, y: set.py[i % ROWS]! };
        }),
    };
  },
};

const ours: Contender = {
  name: 'skep',
  role: 'ours',
  make: () => {
    const { world, at } = makeMovers(N);
    return {
      run() {
        world.each({ write: [Pos], read: [Vel] }, (n, pos, vel) => {
          const { x: px, y: py } = pos;
          const { x: vx, y: vy } = vel;
          for (let i = 0; i < n; i++) {
            px[i]! += vx[i]! * DT;
            py[i]! += vy[i]! * DT;
          }
        });
      },
      check: runs => checkMoved(N, runs, at),
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
    const ids = Array.from({ length: N }, (_, i) => {
      const e = addEntity(world);
      addComponents(world, e, Pos, Vel);
      Pos.x[e] = startX(i);
      Pos.y[e] = startY(i);
      Vel.x[e] = speedX(i);
      Vel.y[e] = speedY(i);
      return e;
    });
    return {
      run() {
        const { x: px, y: py } = Pos;
        const { x: vx, y: vy } = Vel;
        const found = query(world, [Pos, Vel]);
        for (let i = 0; i < found.length; i++) {
          const e = found[i]!;
          px[e]! += vx[e]! * DT;
          py[e]! += vy[e]! * DT;
        }
      },
      check: runs => checkMoved(N, runs, i => ({ x: Pos.x[ids[i]!]!, y: Pos.y[ids[i]!]! })),
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
    const ids = Array.from({ length: N }, (_, i) =>
      world.spawn(Pos({ x: startX(i), y: startY(i) }), Vel({ x: speedX(i), y: speedY(i) })),
    );
    return {
      run() {
        world.query(Pos, Vel).useStores(([pos, vel], entities) => {
          for (let i = 0; i < entities.length; i++) {
            const e = entities[i]!.id();
            pos.x[e]! += vel.x[e]! * DT;
            pos.y[e]! += vel.y[e]! * DT;
          }
        });
      },
      check: runs => checkMoved(N, runs, i => ids[i]!.get(Pos)!),
      close: () => world.destroy(),
    };
  },
};

const kootaEach: Contender = {
  name: 'koota updateEach',
  role: 'peer',
  make: () => {
    const world = createKootaWorld();
    const Pos = trait({ x: 0, y: 0 });
    const Vel = trait({ x: 0, y: 0 });
    const ids = Array.from({ length: N }, (_, i) =>
      world.spawn(Pos({ x: startX(i), y: startY(i) }), Vel({ x: speedX(i), y: speedY(i) })),
    );
    return {
      run() {
        world.query(Pos, Vel).updateEach(([pos, vel]) => {
          pos.x += vel.x * DT;
          pos.y += vel.y * DT;
        });
      },
      check: runs => checkMoved(N, runs, i => ids[i]!.get(Pos)!),
      close: () => world.destroy(),
    };
  },
};

const miniplex: Contender = {
  name: 'miniplex',
  role: 'peer',
  make: () => {
    interface Entity {
      pos: { x: number; y: number };
      vel: { x: number; y: number };
    }
    const world = new MiniplexWorld<Entity>();
    const moving = world.with('pos', 'vel');
    const made = Array.from({ length: N }, (_, i) =>
      world.add({
        pos: { x: startX(i), y: startY(i) },
        vel: { x: speedX(i), y: speedY(i) },
      }),
    );
    return {
      run() {
        for (const { pos, vel } of moving) {
          pos.x += vel.x * DT;
          pos.y += vel.y * DT;
        }
      },
      check: runs => checkMoved(N, runs, i => made[i]!.pos),
    };
  },
};

const piecs: Contender = {
  name: 'piecs',
  role: 'peer',
  make: () => {
    const world = new PiecsWorld();
    const columns = makeColumns(N);
    const pos = world.createComponentId();
    const vel = world.createComponentId();
    const { px, py, vx, vy } = columns;
    world.registerSystem(
      createEntitySystem(
        entities => {
          for (let i = 0; i < entities.length; i++) {
            const e = entities[i]!;
            px[e]! += vx[e]! * DT;
            py[e]! += vy[e]! * DT;
          }
        },
        q => q.every(pos, vel),
      ),
    );
    const both = world.prefabricate([pos, vel]);
    world.initialize();
    const ids = Array.from({ length: N }, () => world.createEntity(both));
    return {
      run: () => world.update(),
      check: runs => checkMoved(N, runs, i => ({ x: px[ids[i]!]!, y: py[ids[i]!]! })),
    };
  },
};

const row: Row = {
  name: 'each',
  title: '`pos += vel * dt` on the calling thread, 100,000 entities, one pass',
  unit: 'us',
  contenders: [limit, sets, ours, bitecs, koota, kootaEach, miniplex, piecs],
  bars: [{ of: 'skep', than: 'sets of typed arrays', atMost: 1.3 }],
};
export default row;
