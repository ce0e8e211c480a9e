// SPDX-License-Identifier: MIT
// The world of skies with its gateway and one client of it in this process, on a clock that only
// moves when it is told to: so both ends can be measured by themselves. Further sessions get what
// the client says as well and throw away what they are sent, as the same client many times would.

import { loadScene, ParallelScheduler, World } from 'skep';
import { connect, type Live, type Transport, type TransportEvents } from 'skep/client';
import { createGateway, type Attached, type Gateway, type Pipe } from 'skep/gateway';
import { wasmFile } from '../../tests/js/hash/native.ts';
import { expect } from './row.ts';

export const FLIGHTS = 20_000;
export const HZ = 60;
/** Frames from state to state, as the scene has it. */
export const EVERY = 3;

export class Skies {
  readonly world = new World({ limits: { entities: 65_536 }, memoryMax: 1 << 30 });
  readonly #scheduler = new ParallelScheduler(this.world, { executor: 'local' });
  readonly #gateway: Gateway | null;
  readonly #sessions: number;
  readonly #attached: Attached[] = [];
  #events: TransportEvents | null = null;
  #live: Live | null = null;
  #down: Uint8Array[] = [];
  #up: Uint8Array[] = [];
  #sent: (() => void)[] = [];
  /** Messages and bytes to the client so far. */
  messages = 0;
  bytes = 0;
  now = 1000;

  private constructor(sessions: number) {
    this.#sessions = sessions;
    this.#gateway = sessions ? createGateway({ now: () => this.now, manual: true }) : null;
    this.#gateway?.on('error', error => {
      throw error;
    });
  }

  /** A world that so many sessions look at, one of them a client; all have all of it. */
  static async open(sessions: number): Promise<Skies> {
    const skies = new Skies(sessions);
    const scene = await loadScene(wasmFile('skies'));
    skies.#scheduler.addScene(scene, { entities: FLIGHTS });
    skies.#gateway?.publish(skies.world, { every: EVERY, hz: HZ });
    if (sessions) await skies.#join();
    return skies;
  }

  get live(): Live {
    return this.#live!;
  }

  async #join(): Promise<void> {
    const live = connect('skies:', {
      transport: this.#transport(),
      now: () => this.now,
      manual: true,
      timeoutMs: 0,
    });
    void live.then(made => (this.#live = made));
    for (let i = 0; i < 1000; i++) {
      this.stepToState();
      this.deliver();
      await new Promise(setImmediate);
      this.#live?.frame(this.now);
      if (this.#live && this.#live.stats().entities > FLIGHTS && i > 20) return;
    }
    throw new Error('the client never had everybody');
  }

  #transport(): Transport {
    return {
      connect: (_, events) => {
        this.#events = events;
        for (let i = 0; i < this.#sessions; i++) {
          this.#attached.push(this.#gateway!.attach(this.#pipe(i === 0)));
        }
        queueMicrotask(() => events.open());
        return {
          buffered: 0,
          send: bytes => void this.#up.push(bytes.slice()),
          close: () => {},
        };
      },
    };
  }

  #pipe(heard: boolean): Pipe {
    return {
      send: (bytes, done) => {
        if (heard) this.#down.push(bytes.slice());
        this.#sent.push(() => done());
      },
      close: (_, reason) => expect(this.#live?.state === 'closed', `closed: ${reason}`),
      terminate: () => {},
    };
  }

  /** What the gateway does between frames: sends what waits, and hears what came. */
  #gatewayTurn(): void {
    for (const message of this.#up.splice(0)) {
      for (const attached of this.#attached) attached.receive(message);
    }
    while (this.#sent.length) for (const done of this.#sent.splice(0)) done();
  }

  /** Frames up to the next state, and all that the gateway does for it. */
  stepToState(): void {
    for (let i = 0; i < EVERY; i++) {
      this.now += 1000 / HZ;
      this.#scheduler.tick(1 / HZ);
      this.#gatewayTurn();
    }
  }

  /** Gives the client what was sent to it. */
  deliver(): void {
    for (const message of this.#down.splice(0)) {
      this.messages++;
      this.bytes += message.length;
      this.#events!.message(message);
    }
  }

  async close(): Promise<void> {
    this.#live?.dispose();
    await this.#gateway?.close();
    await this.#scheduler.close();
    this.world.dispose();
  }
}
