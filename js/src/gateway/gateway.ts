// SPDX-License-Identifier: MIT
// The gateway: publishes a world that a scheduler steps, and lets clients in. Frames of the
// scheduler tell it when to hand inputs to the world and when to take a state, so a program calls
// nothing more for it.

import { infoOf, type AnyComponent, type EventType } from '../component.js';
import { clock } from '../core/live.js';
import { liveCore } from '../core/live_core.js';
import { setOwnCore } from '../core/own_core.js';
import { SkepError } from '../errors.js';
import { after, builtin } from '../pool/env.js';
import type { FrameHook, World } from '../world.js';
import { Hub } from './hub.js';
import { Publication } from './publication.js';
import { listen, type HttpServer, type UpgradeRequest } from './socket.js';
import type {
  Admission,
  Attached,
  Caller,
  GatewayEvents,
  GatewayLimits,
  GatewayStats,
  Pipe,
  Player,
  PublishOptions,
} from './options.js';

export interface GatewayOptions {
  /** A server of Node's http or https, whose upgrades to `path` become connections. */
  server?: HttpServer;
  /** Makes a server of its own instead; 0 is any free port. See `Gateway.listening`. */
  port?: number;
  /** The address that this one listens on; all by default. */
  hostname?: string;
  /** Says who somebody is by his token, '' where he has none; null or a throw: he is not let in.
   * Without it everybody is a new player. */
  auth?: (
    token: string,
    caller: Caller,
  ) => Admission | null | undefined | PromiseLike<Admission | null | undefined>;
  /** Origins of pages that may connect ('https://sea.example'), or '*'. By default those of the
   * same host. Programs that are no pages send none, and may. */
  origins?: readonly string[] | '*';
  /** '/world' by default. */
  path?: string;
  limits?: GatewayLimits;
  /** By which address a request counts, for servers behind a proxy that they trust. */
  address?: (request: UpgradeRequest) => string;
  /** true: nothing runs by itself; call `turn` a few times a second. */
  manual?: boolean;
  /** Milliseconds of a clock that never goes back; performance.now by default. */
  now?: () => number;
}

// Worlds that are made from here on can be published. It stands beside createGateway, and not in
// the entry that hands it on, since bundlers pass such entries over.
setOwnCore(liveCore());

const TURN_MS = 250;
const CLOSE_MS = 1000;

type Listeners = { [E in keyof GatewayEvents]: Set<GatewayEvents[E]> };

/** What is published of which world. */
interface Published {
  readonly world: World;
  readonly options: PublishOptions;
  readonly hook: FrameHook;
  readonly unhook: () => void;
}

/** Publishes a world to clients; made by createGateway. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #hub: Hub;
  readonly #inputs: EventType[] = [];
  readonly #listeners: Listeners = { join: new Set(), leave: new Set(), error: new Set() };
  readonly #ends: (() => void)[] = [];
  #published: Published | null = null;
  #publication: Publication | null = null;
  #own: ReturnType<(typeof import('node:http'))['createServer']> | null = null;
  #broken = false;
  #player = 0;
  #tick = -1;
  #publishMs = 0;
  #closing: Promise<void> | null = null;
  /** Resolves with the port, once the gateway's own server listens; without one with 0. */
  readonly listening: Promise<number>;

  /** @internal Use createGateway. */
  constructor(options: GatewayOptions) {
    this.#options = options;
    const limits = options.limits ?? {};
    this.#hub = new Hub({
      limits,
      now: options.now ?? clock,
      admit: (token, caller) => this.#admit(token, caller),
      emit: (event, ...args) => this.#emit(event, ...args),
      report: error => this.#report(error),
    });
    const http = options.server ?? this.#ownServer();
    if (http) {
      const address = options.address ?? (request => request.socket.remoteAddress ?? '');
      const door = { path: options.path ?? '/world', origins: options.origins, limits, address };
      this.#ends.push(listen(http, door, this.#hub));
    }
    // Not before it is known that connections can be carried.
    this.listening = options.server ? Promise.resolve(0) : this.#listen();
    this.listening.catch(() => {});
    if (!options.manual) this.#arm();
  }

  #ownServer(): HttpServer | undefined {
    if (this.#options.port === undefined) return undefined;
    const http = builtin<typeof import('node:http')>('node:http');
    if (!http) throw new SkepError('E_UNSUPPORTED', 'a gateway that listens runs on Node alone');
    this.#own = http.createServer({ headersTimeout: 5000 }, (_, answer) => {
      answer.writeHead(426, { 'Content-Type': 'text/plain', Connection: 'Upgrade' });
      answer.end('this is a WebSocket server');
    });
    return this.#own;
  }

  #listen(): Promise<number> {
    const server = this.#own;
    if (!server) return Promise.resolve(0);
    this.#ends.push(() => void server.close());
    return new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#options.port, this.#options.hostname, () => {
        const at = server.address();
        resolve(at && typeof at === 'object' ? at.port : 0);
      });
    });
  }

  #arm(): void {
    let stop = (): void => {};
    const again = (): void => {
      stop = after(TURN_MS, () => {
        this.turn();
        again();
      });
    };
    again();
    this.#ends.push(() => stop());
  }

  // ---- what is published -----------------------------------------------------------------------

  /** Publishes a world: every few frames of its scheduler a state goes out. A gateway has one
   * world. What is published is settled when the next frame begins; a scene must have been added by
   * then. Mistakes are told as 'error' with the component and field. */
  publish(world: World, options: PublishOptions = {}): void {
    if (this.#closing) throw closed();
    if (this.#published) {
      throw new SkepError('E_BUSY', 'this gateway publishes a world already', {
        hint: 'make another gateway for another world',
      });
    }
    if (!('skep_host_publish_open' in world.host.ex)) {
      throw new SkepError('E_UNSUPPORTED', 'this world lies in a core that cannot be published', {
        hint: 'import skep/gateway before the program makes the world',
      });
    }
    const hook: FrameHook = { begin: () => this.#begin(), end: () => this.#end() };
    world.frames.add(hook);
    const { owner } = options;
    const unhook = owner ? this.#owners(world, owner) : () => {};
    this.#published = { world, options, hook, unhook };
  }

  /** Looks out for entities that get an owner. */
  #owners(world: World, owner: AnyComponent): () => void {
    if (!infoOf(owner).layout.some(f => f.name === 'player')) {
      throw new SkepError('E_ARGUMENT', `owner: "${owner.name}" has no field "player"`);
    }
    return world.onAdd(owner, entity => {
      const value = world.get(entity, owner) as { player: number } | undefined;
      const player = value && this.#hub.players.get(Number(value.player));
      if (player) player.own = entity;
    });
  }

  /** Lets clients send inputs of this kind: they land in the inbox of the player's own entity, for
   * jobs in C and in JavaScript. Before the first frame. */
  accept(...inputs: readonly EventType[]): void {
    if (this.#publication) {
      throw new SkepError('E_BUSY', 'the world is published already', {
        hint: 'accept inputs before its next frame',
      });
    }
    this.#inputs.push(...inputs);
  }

  #begin(): void {
    this.#tick = -1;
    if (this.#broken || this.#closing) return;
    const { world, options } = this.#published!;
    try {
      if (!this.#publication) {
        const { limits = {} } = this.#options;
        this.#publication = new Publication(world, options, this.#inputs, limits);
        this.#hub.open(this.#publication);
      } else if (this.#publication.host !== world.host) {
        throw new SkepError('E_BUSY', 'a scene was added after the world was published', {
          hint: 'addScene() before the first frame',
        });
      }
      this.#hub.drain();
      world.flush();
      this.#publication.begin();
      this.#tick = world.tick;
    } catch (error) {
      if (!this.#publication || this.#publication.host !== world.host) this.#broken = true;
      this.#report(error);
    }
  }

  #end(): void {
    const publication = this.#publication;
    if (!publication || this.#broken || publication.host.closed || this.#tick < 0) return;
    // A frame that failed is none.
    if (this.#published!.world.tick === this.#tick) return;
    const began = performance.now();
    try {
      if (publication.end()) {
        publication.update(this.#now());
        this.#hub.pumpAll();
        this.#publishMs = performance.now() - began;
      }
    } catch (error) {
      this.#report(error);
    }
    this.#hub.drain();
  }

  #now(): number {
    return (this.#options.now ?? clock)();
  }

  // ---- clients ---------------------------------------------------------------------------------

  #admit(token: string, caller: Caller): Admission | null | PromiseLike<Admission | null> {
    const { auth } = this.#options;
    if (!auth) return { player: ++this.#player };
    const answer = auth(token, caller);
    return answer && 'then' in answer ? answer.then(a => a ?? null) : (answer ?? null);
  }

  /** Takes a connection of another transport than WebSockets. */
  attach(pipe: Pipe, caller: Partial<Caller> = {}): Attached {
    if (this.#closing) throw closed();
    return this.#hub.attach(pipe, {
      address: caller.address ?? '',
      origin: caller.origin ?? null,
      headers: caller.headers ?? {},
    });
  }

  /** The players who are there, by number. */
  get players(): ReadonlyMap<number, Player> {
    return this.#hub.players;
  }

  /** Calls `fn` when something happens. Returns what ends that. */
  on<E extends keyof GatewayEvents>(event: E, fn: GatewayEvents[E]): () => void {
    const set = this.#listeners[event] as Set<GatewayEvents[E]>;
    set.add(fn);
    return () => void set.delete(fn);
  }

  #emit<E extends keyof GatewayEvents>(event: E, ...args: Parameters<GatewayEvents[E]>): void {
    const call = (fn: GatewayEvents[E]): void =>
      (fn as (...args: Parameters<GatewayEvents[E]>) => void)(...args);
    for (const fn of [...(this.#listeners[event] as Set<GatewayEvents[E]>)]) {
      try {
        call(fn);
      } catch (error) {
        if (event === 'error') console.error(error);
        else this.#report(error);
      }
    }
  }

  #report(error: unknown): void {
    const told =
      error instanceof SkepError
        ? error
        : new SkepError('E_ARGUMENT', `gateway: ${String(error)}`, { cause: error });
    if (this.#listeners.error.size) this.#emit('error', told);
    else console.error(`${told.name}: ${told.message}${told.hint ? ` (${told.hint})` : ''}`);
  }

  /** Time-outs and pings, for gateways made with `manual`. */
  turn(): void {
    if (this.#published?.world && this.#publication?.host.closed) return;
    this.#hub.turn();
  }

  /** What the gateway did. */
  stats(): GatewayStats {
    const f = this.#publication?.figures() ?? [];
    const at = (i: number): number => f[i] ?? 0;
    return {
      connections: this.#hub.connections,
      players: this.#hub.players.size,
      states: at(0),
      messagesEncoded: at(1),
      bytesEncoded: at(2),
      messagesSent: at(3),
      bytesSent: at(4),
      wholesSent: at(5),
      inputsReceived: at(6),
      inputsRefused: at(7),
      tick: at(8),
      entities: at(9),
      viewClasses: at(10),
      bytesHeld: at(13),
      publishMs: this.#publishMs,
    };
  }

  /** What is published, by name and in the order of the schema; empty before the first frame. */
  get schema(): readonly string[] {
    return this.#publication?.names ?? [];
  }

  /** Ends all connections with a reason, and publishes no more. The world stays as it is. Resolves
   * when all is closed, within a second. */
  close(reason = 'the server is closing'): Promise<void> {
    return (this.#closing ??= this.#close(reason));
  }

  async #close(reason: string): Promise<void> {
    const published = this.#published;
    if (published) {
      published.world.frames.delete(published.hook);
      published.unhook();
    }
    for (const end of this.#ends.splice(0)) end();
    await this.#hub.close(reason, CLOSE_MS);
    this.#publication?.close();
    this.#publication = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function closed(): SkepError {
  return new SkepError('E_CLOSED', 'the gateway is closed');
}

/** Makes a gateway on an http.Server, on a port, or (with neither) for pipes of the program's own.
 * Throws SkepError (E_UNSUPPORTED) where `ws` is not installed. */
export function createGateway(options: GatewayOptions = {}): Gateway {
  return new Gateway(options);
}
