// SPDX-License-Identifier: MIT
// The yardstick: the literal frame of the design notes that the project started from, written for
// this bench. Each frame the query is made anew, every value of the declared components is looked
// up and put into arrays, the arrays go to a worker as a structured clone, patch objects come back
// the same way, and each is applied by itself. In one thing it is kinder than the notes: a
// component in both `reads` and `writes` is sent once, or the positions would be wrong.

import { speedX, speedY, startX, startY } from '../movers.ts';
import type { ObjectPatch, Vector } from './physics.ts';
import type { ObjectPool } from './pool.ts';
import { ObjectWorld, type ComponentType } from './world.ts';

interface Offload {
  readonly module: string;
  readonly reads: readonly ComponentType<unknown>[];
  readonly writes: readonly ComponentType<unknown>[];
  readonly extra: () => unknown;
}

export class ObjectScheduler {
  private readonly world: ObjectWorld;
  private readonly pool: ObjectPool;
  private readonly systems: Offload[] = [];

  constructor(world: ObjectWorld, pool: ObjectPool) {
    this.world = world;
    this.pool = pool;
  }

  register(system: Offload): void {
    this.systems.push(system);
  }

  async runFrame(dt: number, time: number): Promise<void> {
    this.world.beginTick();
    await Promise.all(this.systems.map(system => this.runSystem(system, dt, time)));
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async runSystem(system: Offload, dt: number, time: number): Promise<void> {
    const { world } = this;
    const declared = [...new Set([...system.reads, ...system.writes])];
    const eids: number[] = [];
    const cols: Record<number, unknown[]> = {};
    for (const { id } of declared) cols[id] = [];
    for (const [entity] of world.iter(world.makeQuery({ all: declared }))) {
      eids.push(entity);
      for (const component of declared) cols[component.id]!.push(world.get(entity, component));
    }
    const writes = system.writes.map(({ id }) => id);
    const input = { eids, cols, dt, time, writes, extra: system.extra() };
    const patches = (await this.pool.run(system.module, input)) as ObjectPatch[];
    for (const patch of patches) {
      if (patch.kind === 'set') world.set(patch.eid, world.components[patch.cid]!, patch.value);
    }
  }
}

/** A scheduler that moves n particles, and where particle i is. */
export function makeObjectFrame(
  n: number,
  pool: ObjectPool,
): {
  scheduler: ObjectScheduler;
  at: (i: number) => Vector;
} {
  const world = new ObjectWorld();
  const Pos = world.defineComponent<Vector>({ name: 'Pos', defaults: () => ({ x: 0, y: 0 }) });
  const Vel = world.defineComponent<Vector>({ name: 'Vel', defaults: () => ({ x: 0, y: 0 }) });
  for (let i = 0; i < n; i++) {
    world.create([Pos, { x: startX(i), y: startY(i) }], [Vel, { x: speedX(i), y: speedY(i) }]);
  }
  const scheduler = new ObjectScheduler(world, pool);
  scheduler.register({
    module: new URL('./physics.ts', import.meta.url).href,
    reads: [Vel, Pos],
    writes: [Pos],
    extra: () => ({ POS: Pos.id, VEL: Vel.id }),
  });
  return { scheduler, at: i => world.get(i, Pos)! };
}
