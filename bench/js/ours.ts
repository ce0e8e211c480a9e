// SPDX-License-Identifier: MIT
// A world of ours with the particles that most rows move.

import { World, type Entity } from 'skep';
import { Pos, Vel } from './jobs/components.ts';
import { speedX, speedY, startX, startY } from './movers.ts';

export interface Movers {
  readonly world: World;
  readonly entities: readonly Entity[];
  /** Where particle i is. */
  readonly at: (i: number) => { x: number; y: number };
}

/** A world of n particles at their starts. */
export function makeMovers(n: number): Movers {
  const world = new World({ limits: { entities: n + 1024 } });
  const entities = Array.from({ length: n }, (_, i) => world.spawn(
    [Pos, { x: startX(i), y: startY(i) }], [Vel, { x: speedX(i), y: speedY(i) }]));
  return { world, entities, at: (i) => world.get(entities[i]!, Pos)! };
}
