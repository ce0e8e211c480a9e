// SPDX-License-Identifier: MIT
// A transport in process, on a clock of its own: messages arrive in order after a latency and a
// jitter from a seed, and a connection can be cut. What happens depends on the seed alone.

import type { Gateway } from 'skep/gateway';
import type { Transport, TransportConnection, TransportEvents } from 'skep/client';

interface Due {
  at: number;
  order: number;
  run: () => void;
}

export class Wire {
  /** Milliseconds. */
  now = 1000;
  latencyMs = 0;
  jitterMs = 0;
  /** Nothing gets through to the client while it is set; the server's socket is full. */
  stalled = false;
  readonly #due: Due[] = [];
  readonly #cuts = new Set<() => void>();
  #order = 0;
  #random: number;

  constructor(seed = 1) {
    this.#random = seed;
  }

  #jitter(): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return (this.#random / 2 ** 32) * this.jitterMs;
  }

  at(time: number, run: () => void): void {
    this.#due.push({ at: time, order: this.#order++, run });
    this.#due.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  /** Lets time pass, and everything happen that is due. */
  advance(ms: number): void {
    const until = this.now + ms;
    while (this.#due.length && this.#due[0]!.at <= until) {
      const { at, run } = this.#due.shift()!;
      this.now = Math.max(this.now, at);
      run();
    }
    this.now = until;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const cut of [...this.#cuts]) cut();
  }

  /** Connections to a gateway. */
  to(gateway: Gateway): Transport {
    return { connect: (_, events) => this.#connect(gateway, events) };
  }

  #connect(gateway: Gateway, events: TransportEvents): TransportConnection {
    let open = true;
    const last = { up: 0, down: 0 };
    const carry = (way: 'up' | 'down', run: () => void): void => {
      const at = Math.max(this.now + this.latencyMs + this.#jitter(), last[way]);
      last[way] = at;
      this.at(at, () => open && run());
    };
    const cut = (code: number, reason: string): void => {
      if (!open) return;
      open = false;
      this.#cuts.delete(broken);
      this.at(this.now, () => {
        attached.closed();
        events.closed(code, reason);
      });
    };
    const broken = (): void => cut(1006, '');
    this.#cuts.add(broken);
    const attached = gateway.attach({
      send: (bytes, done) => {
        const copy = bytes.slice();
        const go = (): void => {
          if (this.stalled) return void this.at(this.now + 10, go);
          carry('down', () => events.message(copy));
          this.at(this.now, () => done());
        };
        go();
      },
      close: (code, reason) => carry('down', () => cut(code, reason)),
      terminate: broken,
    });
    carry('up', () => events.open());
    return {
      buffered: 0,
      send: bytes => {
        const copy = bytes.slice();
        carry('up', () => attached.receive(copy));
      },
      close: (code, reason) => carry('up', () => cut(code, reason)),
    };
  }
}
