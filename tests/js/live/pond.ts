// SPDX-License-Identifier: MIT
// The pond of scenes/pond.c from JavaScript's side: its components, a world of it that a gateway
// publishes, and what a server is to the protocol suite, which runs against any that serves the
// pond.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  defineComponent,
  defineEvent,
  defineInput,
  defineResource,
  ParallelScheduler,
  World,
  type Scene,
} from 'skep';
import {
  createGateway,
  q,
  type Gateway,
  type GatewayLimits,
  type GatewayOptions,
} from 'skep/gateway';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
export const Ship = defineComponent({
  name: 'Ship',
  fields: { heading: 'f32', speed: 'f32', player: 'u32' },
});
export const Secret = defineComponent({ name: 'Secret', fields: { code: 'u32' } });
export const Steer = defineInput({ name: 'Steer', fields: { turn: 'f32', horn: 'u8' } });
export const Toot = defineEvent({ name: 'Toot', fields: { player: 'u32', x: 'f32' } });
export const Weather = defineResource({ name: 'Weather', fields: { wind: 'f32', day: 'u32' } });

export const HZ = 60;
export const QUANTUM = 1 / 64;

/** A value as it goes over the wire. */
export const rounded = (value: number): number => Math.round(value / QUANTUM) * QUANTUM;

/** A pond, its scheduler, and a gateway; nothing steps it. */
export class Pond {
  readonly world: World;
  readonly scheduler: ParallelScheduler;
  readonly gateway: Gateway;
  readonly errors: Error[] = [];

  constructor(scene: Scene, options: GatewayOptions & { ducks?: number; every?: number }) {
    const { ducks = 200, every = 3, ...rest } = options;
    this.world = new World({ limits: { entities: 4096 }, memoryMax: 64 << 20 });
    this.scheduler = new ParallelScheduler(this.world, { executor: 'local' });
    this.scheduler.addScene(scene, { ducks });
    this.world.setResource(Weather, { wind: 3, day: 1 });
    this.gateway = createGateway(rest);
    this.gateway.on('error', error => this.errors.push(error));
    const at = q(QUANTUM);
    this.gateway.publish(this.world, {
      every,
      hz: HZ,
      hide: [Secret],
      events: [Toot],
      resources: [Weather],
      fields: { Pos: { x: at, y: at }, Vel: { x: at, y: at } },
      rates: { 'Pos.x': 'Vel.x', 'Pos.y': 'Vel.y' },
      place: { component: Pos, fields: ['x', 'y'], cell: 32 },
    });
    this.gateway.accept(Steer);
    this.gateway.on('join', player => {
      player.own = this.world.spawn(
        [Pos, { x: 100, y: 50 }],
        [Ship, { speed: 4, player: player.id }],
      );
    });
    this.gateway.on('leave', player => {
      if (player.own) this.world.destroy(player.own);
    });
  }

  step(frames = 1): void {
    for (let i = 0; i < frames; i++) this.scheduler.tick(1 / HZ);
  }

  #closed = false;

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.gateway.close();
    await this.scheduler.close();
    this.world.dispose();
  }
}

/** A server of the pond, for the protocol suite. */
export interface PondServer {
  readonly url: string;
  readonly port: number;
  /** Its pond, where it lies in this process. */
  readonly pond?: Pond;
  stop(): Promise<void>;
}

/** How a server of the pond is started. */
export type ServePond = (options?: {
  ducks?: number;
  every?: number;
  token?: string;
  port?: number;
  limits?: GatewayLimits;
  /** Origins of pages that may connect. */
  origins?: readonly string[];
}) => Promise<PondServer>;

/** `skep/gateway` on an http.Server, at 60 frames a second. */
export function serveOnNode(scene: Scene): ServePond {
  return async ({ token, port = 0, ...options } = {}) => {
    const http: Server = createServer((_, answer) => answer.end('a pond'));
    const pond = new Pond(scene, {
      ...options,
      server: http,
      ...(token !== undefined && {
        auth: (said: string) =>
          said.startsWith(token) ? { player: Number(said.slice(token.length)) || 1 } : null,
      }),
    });
    await new Promise<void>(resolve => http.listen(port, '127.0.0.1', resolve));
    const timer = setInterval(() => pond.step(), 1000 / HZ);
    const { port: at } = http.address() as AddressInfo;
    return {
      url: `ws://127.0.0.1:${at}/world`,
      port: at,
      pond,
      stop: async () => {
        clearInterval(timer);
        await pond.close();
        http.closeAllConnections();
        if (http.listening) await new Promise(resolve => http.close(resolve));
      },
    };
  };
}
