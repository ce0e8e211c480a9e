// SPDX-License-Identifier: MIT
// One place for a worker: makes the thread, takes its greeting and its messages, and sees it end.
// Whether and when another one is made is the supervisor's to say: a thread that dies before it
// greets, or without having run anything, counts as a failed start, and after several in a row,
// with growing pauses, the slot is given up.

import { SkepError } from '../errors.js';
import { after } from './env.js';
import { toError, unpackError } from './faults.js';
import type { PoolWorker } from './host.js';
import { nowNs, type Keeper } from './keeper.js';
import { makeLink, type Link } from './link.js';
import { PROTOCOL, isOurs, readMessage, type PoolMessage, type WorkerMessage } from './protocol.js';
import { CAUSE, SEAT } from './supervisor.js';

/** What a slot reports to the pool. */
export interface SlotEvents {
  up(slot: Slot): void;
  message(slot: Slot, message: PoolMessage): void;
  /** A worker that was up is lost; what it had is, and the next one is made, after this returns. */
  lost(slot: Slot, cause: Error): void;
  failedStart(slot: Slot, cause: Error): void;
  givenUp(slot: Slot, cause: Error): void;
}

export interface SlotOptions {
  make(slot: number): unknown;
  startTimeoutMs: number;
  /** Whether a start that failed is tried again. */
  retryStart(cause: Error): boolean;
}

export class Slot implements PoolWorker {
  readonly slot: number;
  generation = 0;
  up = false;
  gone: Promise<void> = Promise.resolve();
  /** The jobs that the worker serves by name. */
  served: ReadonlySet<string> = new Set();
  /** Keys of the modules that it has loaded. */
  readonly loaded = new Set<string>();
  /** See PoolWorker.nudge. */
  nudge: (() => void) | null = null;
  readonly #options: SlotOptions;
  readonly #events: SlotEvents;
  readonly #keeper: Keeper;
  #link: Link | null = null;
  /** Another start would be in vain. */
  #final = false;
  /** Why the last worker was lost, or is about to be. */
  cause: Error = new Error('it was not started');

  constructor(slot: number, keeper: Keeper, options: SlotOptions, events: SlotEvents) {
    this.slot = slot;
    this.#keeper = keeper;
    this.#options = options;
    this.#events = events;
  }

  /** Posts an extension's message. */
  post(type: string, data: unknown, transfer?: readonly Transferable[]): void {
    if (this.up) this.send({ skep: 'ext', type, data }, transfer);
  }

  /** Posts a message of the protocol to a worker that is up. */
  send(message: WorkerMessage, transfer?: readonly Transferable[]): void {
    this.#link!.post(message, transfer);
    this.nudge?.();
  }

  /** It is there and has nothing to do. */
  get idle(): boolean {
    return this.up && this.#keeper.machine.seat(this.slot) === SEAT.idle;
  }

  /** The worker has finished something, so its start was not in vain. */
  worked(): void {
    this.#keeper.machine.worked(this.slot, this.generation);
  }

  /** Makes the thread. */
  start(generation: number): void {
    this.generation = generation;
    this.loaded.clear();
    try {
      const link: Link = makeLink(this.#options.make(this.slot), {
        message: message => this.#receive(link, message),
        lost: cause => this.#lose(link, cause),
      });
      this.#link = link;
    } catch (error) {
      this.#gone(toError(error), false);
    }
  }

  /** Ends the thread, as the supervisor wants. */
  kill(why: number): void {
    const ms = this.#options.startTimeoutMs;
    if (why === CAUSE.notStarted) {
      this.cause = new SkepError(
        'E_UNSUPPORTED',
        `worker ${this.slot} did not answer within ${ms} ms (startTimeoutMs)`,
        { hint: 'does its module call serve()? is it blocked by a Content-Security-Policy?' },
      );
    }
    if (this.#link) this.#lose(this.#link, this.cause);
  }

  /** No thread is made any more. */
  giveUp(): void {
    this.#events.givenUp(this, this.cause);
  }

  /** Ends a thread that is up because of `cause`, and makes a new one. */
  replace(cause: Error): Promise<void> {
    if (this.up) {
      this.cause = cause;
      this.#keeper.machine.replace(this.slot, this.generation, CAUSE.aborted, nowNs());
      this.#keeper.act();
    }
    return this.gone;
  }

  /** Ends the slot. Politely: the worker may end itself first, within `politeMs`. Resolves when the
   * thread is gone, or was told to go where that cannot be seen. */
  async end(politeMs: number): Promise<void> {
    const link = this.#link;
    const wasUp = this.up;
    this.#link = null;
    this.up = false;
    if (!link) return this.gone;
    if (politeMs > 0 && wasUp && link.seesEnd) {
      link.post({ skep: 'close' });
      this.nudge?.();
      await Promise.race([
        link.ended,
        new Promise<void>(done => {
          after(politeMs, done);
        }),
      ]);
    }
    const gone = link.end();
    if (link.seesEnd) await gone;
  }

  #receive(link: Link, incoming: unknown): void {
    if (this.#link !== link || !isOurs(incoming)) return;
    const message = readMessage(incoming);
    if (message === undefined) return;
    if (message === null) this.#garbled(link, incoming.skep);
    else if (message.skep === 'hello') this.#hello(link, message);
    else if (message.skep === 'refuse') this.#foreign(link, message.protocol);
    else if (!this.up) return;
    else if (message.skep === 'uncaught') this.#lose(link, toError(unpackError(message.error)));
    else this.#events.message(this, message);
  }

  #hello(link: Link, message: Extract<PoolMessage, { skep: 'hello' }>): void {
    if (message.protocol !== PROTOCOL) return this.#foreign(link, message.protocol);
    this.served = new Set(message.jobs);
    if (this.up || !this.#keeper.machine.up(this.slot, this.generation, nowNs())) return;
    link.post({
      skep: 'ready',
      protocol: PROTOCOL,
      slot: this.slot,
      generation: this.generation,
      origin: performance.timeOrigin,
    });
    this.up = true;
    this.#events.up(this);
  }

  #garbled(link: Link, kind: string): void {
    if (this.up) this.worked(); // a job has done that, so its start was not in vain
    this.#lose(
      link,
      new SkepError('E_WORKER_LOST', `worker ${this.slot} sent a damaged message, "${kind}"`, {
        hint: "a job must not post messages by its worker's own means",
      }),
    );
  }

  #foreign(link: Link, protocol: unknown): void {
    this.#final = true;
    this.#lose(
      link,
      new SkepError(
        'E_UNSUPPORTED',
        `worker ${this.slot} speaks protocol ${String(protocol)}, the pool ${PROTOCOL}`,
        { hint: 'the page and its worker were built with two versions of skep' },
      ),
    );
  }

  #lose(link: Link, cause: Error): void {
    if (this.#link !== link) return;
    this.#link = null;
    const wasUp = this.up;
    this.up = false;
    const before = this.gone;
    const now = link.end();
    this.gone = before.then(() => now);
    this.#gone(cause, wasUp);
  }

  /** The thread is gone, for all that is said of it here. */
  #gone(cause: Error, wasUp: boolean): void {
    const { machine } = this.#keeper;
    this.cause = cause;
    if (wasUp) this.#events.lost(this, cause);
    if (wasUp) {
      machine.exited(this.slot, this.generation, nowNs());
    } else {
      const final = this.#final || !this.#options.retryStart(cause);
      machine.startFailed(this.slot, this.generation, final ? 1 : 0, nowNs());
    }
    const pauses = machine.seat(this.slot) === SEAT.waiting;
    this.#keeper.act();
    if (pauses) this.#events.failedStart(this, cause);
  }
}
