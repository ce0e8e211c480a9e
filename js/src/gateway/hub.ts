// SPDX-License-Identifier: MIT
// Connections and players, whatever carries the messages. Each connection has one message under way
// at most: the next is asked for when that has left, so a client that is slow costs no memory and
// gets the newest state once it is ready. What the session machine in wasm decides (who is let in,
// what is refused, when silence is too long) is only carried out here.

import { NULL_ENTITY, type Entity } from '../entity.js';
import { SkepError } from '../errors.js';
import type {
  Admission,
  Attached,
  Caller,
  GatewayEvents,
  GatewayLimits,
  Pipe,
  Player,
} from './options.js';
import type { Publication } from './publication.js';

/** Close codes of RFC 6455. */
export const CLOSE = { normal: 1000, away: 1001, text: 1003, policy: 1008, full: 1013 } as const;
const ASKS = 1;
const THERE = 2;
const GONE = 4;
/** Messages of a connection that wait for the world to be published. */
const EARLY_MAX = 4;

/** One client's connection. */
class Connection {
  readonly number: number;
  readonly pipe: Pipe;
  readonly caller: Caller;
  /** Of wasm; 0: not begun, or over. */
  session = 0;
  player = 0;
  /** A message is under way, since then. */
  sending = false;
  since = 0;
  pumping = false;
  /** The session has ended: what it still has to say is sent, then the connection closed. */
  ended = false;
  closed = false;
  code: number = CLOSE.policy;
  /** What came before there was a session. */
  early: Uint8Array[] = [];
  readonly begun: number;

  constructor(number: number, pipe: Pipe, caller: Caller, begun: number) {
    this.number = number;
    this.pipe = pipe;
    this.caller = caller;
    this.begun = begun;
  }
}

/** What the hub asks of its gateway. */
export interface HubHost {
  readonly limits: GatewayLimits;
  now(): number;
  /** Asks the program; null: refused. */
  admit(token: string, caller: Caller): Admission | null | PromiseLike<Admission | null>;
  emit<E extends keyof GatewayEvents>(event: E, ...args: Parameters<GatewayEvents[E]>): void;
  report(error: unknown): void;
}

class GatewayPlayer implements Player {
  readonly id: number;
  readonly data: unknown;
  readonly #hub: Hub;
  #own = NULL_ENTITY;

  constructor(hub: Hub, id: number, data: unknown) {
    this.#hub = hub;
    this.id = id;
    this.data = data;
  }

  get own(): Entity {
    return this.#own;
  }

  set own(entity: Entity) {
    this.#hub.own(this.id, entity);
    this.#own = entity;
  }

  get connected(): boolean {
    return this.#hub.connectionOf(this.id) !== undefined;
  }

  kick(reason: string): void {
    this.#hub.kick(this.id, reason);
  }
}

export class Hub {
  readonly #host: HubHost;
  readonly #connections = new Map<number, Connection>();
  readonly #players = new Map<number, GatewayPlayer>();
  /** What `auth` gave for players who were let in and are not there yet. */
  readonly #data = new Map<number, unknown>();
  readonly #addresses = new Map<string, number>();
  #publication: Publication | null = null;
  #last = 0;
  #draining = false;

  constructor(host: HubHost) {
    this.#host = host;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get players(): ReadonlyMap<number, Player> {
    return this.#players;
  }

  connectionOf(player: number): Connection | undefined {
    for (const c of this.#connections.values()) {
      if (c.player === player && !c.ended && !c.closed) return c;
    }
    return undefined;
  }

  /** How many connections an address has. */
  ofAddress(address: string): number {
    return this.#addresses.get(address) ?? 0;
  }

  // ---- connections -----------------------------------------------------------------------------

  /** The world is published from now on: those who wait begin. */
  open(publication: Publication): void {
    this.#publication = publication;
    for (const c of [...this.#connections.values()]) this.#begin(c);
  }

  attach(pipe: Pipe, caller: Caller): Attached {
    const c = new Connection(++this.#last, pipe, caller, this.#host.now());
    this.#connections.set(c.number, c);
    this.#addresses.set(caller.address, this.ofAddress(caller.address) + 1);
    if (this.#publication) this.#begin(c);
    return { receive: bytes => this.#receive(c, bytes), closed: () => this.#gone(c) };
  }

  #begin(c: Connection): void {
    if (c.closed || c.ended) return;
    c.session = this.#publication!.open(c.number, this.#host.now());
    if (!c.session) return this.#end(c, CLOSE.full, 'the server is full');
    const early = c.early;
    c.early = [];
    for (const bytes of early) this.#receive(c, bytes);
    this.#pump(c);
  }

  /** Closes a connection that has no session to say why. */
  #end(c: Connection, code: number, reason: string): void {
    c.ended = true;
    c.pipe.close(code, reason);
  }

  #receive(c: Connection, bytes: Uint8Array): void {
    if (c.closed || c.ended) return;
    if (!c.session) {
      if (c.early.length >= EARLY_MAX) return this.#end(c, CLOSE.policy, 'too much before HELLO');
      c.early.push(bytes.slice());
      return;
    }
    try {
      if (!this.#publication!.receive(c.session, bytes, this.#host.now())) c.ended = true;
    } catch (error) {
      c.ended = true;
      this.#host.report(error);
    }
    this.#pump(c);
    this.drain();
  }

  #gone(c: Connection): void {
    if (c.closed) return;
    c.closed = true;
    this.#connections.delete(c.number);
    const { address } = c.caller;
    const left = this.ofAddress(address) - 1;
    if (left > 0) this.#addresses.set(address, left);
    else this.#addresses.delete(address);
    if (c.session) this.#publication!.drop(c.session, this.#host.now());
    c.session = 0;
    this.drain();
  }

  /** Sends what a connection is ready for. */
  #pump(c: Connection): void {
    if (c.pumping) return;
    c.pumping = true;
    while (!c.sending && !c.closed && c.session) {
      const bytes = this.#publication!.next(c.session, this.#host.now());
      if (!bytes) {
        if (c.ended) this.#close(c);
        break;
      }
      c.sending = true;
      c.since = this.#host.now();
      c.pipe.send(bytes, error => {
        c.sending = false;
        if (error) c.pipe.terminate();
        else this.#pump(c);
      });
    }
    c.pumping = false;
  }

  /** Closes one whose session has said all. */
  #close(c: Connection): void {
    const reason = this.#publication!.reason(c.session);
    c.pipe.close(c.code, reason);
  }

  /** Sends to everybody who is ready. */
  pumpAll(): void {
    for (const c of this.#connections.values()) if (!c.sending) this.#pump(c);
  }

  /** Time-outs, to be looked at a few times a second. */
  turn(): void {
    const now = this.#host.now();
    const { drainMs = 15_000, helloMs = 5_000 } = this.#host.limits;
    for (const c of [...this.#connections.values()]) {
      if (c.sending && now - c.since > drainMs) c.pipe.terminate();
      else if (!c.session) {
        if (now - c.begun > helloMs && !c.ended) {
          this.#end(c, CLOSE.full, 'the world is not published yet');
        }
      } else if (!this.#publication!.tick(c.session, now)) {
        c.ended = true;
      }
      this.#pump(c);
    }
    this.drain();
  }

  // ---- players ---------------------------------------------------------------------------------

  own(player: number, entity: Entity): void {
    this.#publication?.own(player, entity);
  }

  kick(player: number, reason: string): void {
    const c = this.connectionOf(player);
    if (!c?.session) return;
    this.#publication!.refuse(c.session, reason);
    c.ended = true;
    this.#pump(c);
  }

  /** Takes what happened: to be called between frames. What listeners do may make more happen. */
  drain(): void {
    const publication = this.#publication;
    if (!publication || this.#draining || publication.host.closed || busy(publication)) return;
    this.#draining = true;
    try {
      for (let kind; (kind = publication.poll()) !== 0;) this.#happened(publication, kind);
    } finally {
      this.#draining = false;
    }
  }

  #happened(publication: Publication, kind: number): void {
    const { host } = publication;
    const id = host.word(0);
    const c = this.#connections.get(host.word(1));
    if (host.word(4)) this.#host.report(host.error(host.word(4)));
    if (kind === ASKS && c) {
      const token = host.instance.textOf(host.word(2), host.word(3));
      void this.#admit(publication, c, token);
    } else if (kind === THERE) {
      if (c) c.player = id;
      if (this.#players.has(id)) return;
      const player = new GatewayPlayer(this, id, this.#data.get(id));
      this.#data.delete(id);
      this.#players.set(id, player);
      const own = publication.join(id);
      if (own) player.own = own;
      this.#host.emit('join', player);
    } else if (kind === GONE) {
      const player = this.#players.get(id);
      this.#players.delete(id);
      if (player) {
        this.#host.emit('leave', player);
        publication.leave(id, player.own);
      }
    }
  }

  async #admit(publication: Publication, c: Connection, token: string): Promise<void> {
    let admission: Admission | null = null;
    try {
      const answer = this.#host.admit(token, c.caller);
      // Not awaited where it is there: the client is let in with the message that asked.
      admission = isPromise(answer) ? await answer : answer;
    } catch (error) {
      this.#host.report(error);
    }
    if (c.closed || c.ended || publication !== this.#publication) return;
    const player = admission?.player;
    if (admission && Number.isInteger(player) && player! > 0 && player! < 2 ** 32) {
      this.#data.set(player!, admission.data);
      publication.accept(c.session, player!, this.#host.now());
    } else {
      if (admission) {
        this.#host.report(new SkepError('E_ARGUMENT', `auth: ${player} is no player's number`));
      }
      publication.refuse(c.session, 'not let in');
      c.ended = true;
    }
    this.#pump(c);
    this.drain();
  }

  // ---- the end ---------------------------------------------------------------------------------

  /** Ends all sessions with a reason. Resolves when their connections are gone, or after `ms`. */
  async close(reason: string, ms: number): Promise<void> {
    for (const c of [...this.#connections.values()]) {
      c.code = CLOSE.away;
      if (!c.session) this.#end(c, CLOSE.away, reason);
      else if (!c.ended) {
        this.#publication!.refuse(c.session, reason, true);
        c.ended = true;
        this.#pump(c);
      }
    }
    const until = performance.now() + ms;
    while (this.#connections.size && performance.now() < until) {
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    for (const c of [...this.#connections.values()]) {
      c.pipe.terminate();
      this.#gone(c);
    }
    this.#publication = null;
    this.#players.clear();
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null)?.then === 'function';
}

/** A frame is under way: what a listener does would have to wait. */
function busy(publication: Publication): boolean {
  const { host } = publication;
  return host.instance.u32[host.layout.mode >> 2] !== 0;
}
