// SPDX-License-Identifier: MIT
// The client: a view of a server's world that connects, connects again when the connection breaks,
// and moves bytes between its transport and the view in wasm. What is shown, and when, the view
// decides; what the own entity does before the server says so, the prediction.

import type { Component, EventType, Fields, Value } from '../component.js';
import { Host } from '../core/host.js';
import { clock } from '../core/live.js';
import { viewCore } from '../core/view_core.js';
import { ClosedError, DeadlineError, SchemaError, SkepError } from '../errors.js';
import { NULL_ENTITY } from '../entity.js';
import { after } from '../pool/env.js';
import { Frame } from './frame.js';
import type {
  ConnectOptions,
  EventInfo,
  Interest,
  LiveState,
  LiveStats,
  OwnState,
} from './options.js';
import type { Prediction, SmallWorld } from './prediction.js';
import { webSocketTransport, type TransportConnection } from './transport.js';
import { PHASE, View } from './view.js';

const STATES: readonly LiveState[] = ['connecting', 'live', 'stale', 'reconnecting', 'closed'];
const MEMORY = 64 << 20;
const TURN_MS = 100;
/** For a connection to come about. */
const DIAL_MS = 10_000;
const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 10_000;
/** Bytes under way to the server beyond which no more are asked of the view. */
const BUFFERED_MAX = 256 << 10;

type EventListener = (value: object, info: EventInfo) => void;
type StateListener = (state: LiveState, why: SkepError | null) => void;
type AnyListener = (event: { name: string; value: object } & EventInfo) => void;

export class Live {
  readonly url: string;
  readonly #options: ConnectOptions;
  readonly #small: SmallWorld | null;
  readonly #host: Host;
  readonly #view: View;
  readonly #prediction: Prediction | null;
  #connection: TransportConnection | null = null;
  /** Counts connections, so that what an old one still tells is not heard. */
  #link = 0;
  #up = false;
  #tries = 0;
  #stopTurn = (): void => {};
  #stopRetry = (): void => {};
  #retryAt = 0;
  #dialledAt = 0;
  #state: LiveState = 'connecting';
  #why: SkepError | null = null;
  /** Why the view is closed where wasm does not know. */
  #given: SkepError | null = null;
  #area = '';
  readonly #frame: Frame;
  readonly #stateListeners = new Set<StateListener>();
  readonly #eventListeners = new Map<string, Set<EventListener>>();
  readonly #anyListeners = new Set<AnyListener>();
  #closed = false;

  /** @internal Use connect(). */
  constructor(url: string, options: ConnectOptions, small: SmallWorld | null) {
    this.url = url;
    this.#options = options;
    this.#small = small;
    this.#host =
      small?.world.host
      ?? new Host({
        limits: { entities: 0 },
        seed: 1n,
        memoryMax: options.memoryMax ?? MEMORY,
        workersMax: 1,
        shared: false,
        core: viewCore(),
      });
    if (options.onState) this.#stateListeners.add(options.onState);
    this.#view = new View(this.#host, options, small?.parts() ?? []);
    this.#prediction = small?.predict(this.#view) ?? null;
    this.#frame = new Frame(this.#view);
    this.#tell();
    options.onState?.(this.#state, null);
    this.#dial();
    if (!options.manual) this.#arm();
  }

  #arm(): void {
    this.#stopTurn = after(TURN_MS, () => {
      this.turn();
      if (!this.#closed) this.#arm();
    });
  }

  #now(): number {
    return (this.#options.now ?? clock)();
  }

  // ---- the connection --------------------------------------------------------------------------

  #dial(): void {
    if (this.#closed) return;
    const link = ++this.#link;
    const mine = (): boolean => link === this.#link && !this.#closed;
    this.#retryAt = 0;
    this.#dialledAt = this.#now();
    const transport = this.#options.transport ?? webSocketTransport;
    try {
      this.#connection = transport.connect(this.url, {
        open: () => mine() && this.#opened(),
        message: bytes => mine() && this.#received(bytes),
        closed: (code, reason) => mine() && this.#broke(code, reason),
      });
    } catch (error) {
      this.#end(
        error instanceof SkepError
          ? error
          : new SkepError('E_ARGUMENT', String(error), { cause: error }),
      );
    }
  }

  #opened(): void {
    this.#up = true;
    this.#view.link(true, this.#now());
    this.#pump();
    this.#tell();
  }

  #received(bytes: Uint8Array): void {
    try {
      const on = this.#view.receive(bytes, this.#now());
      this.#pump();
      if (!on) this.#hangUp();
      if (this.#state !== 'live' && this.#view.phase().phase === PHASE.live) this.#tries = 0;
    } catch (error) {
      this.#end(error as SkepError);
    }
    this.#tell();
  }

  /** Sends what the view has to say. */
  #pump(): void {
    const connection = this.#connection;
    if (!connection || !this.#up) return;
    while (connection.buffered < BUFFERED_MAX) {
      const bytes = this.#view.next(this.#now());
      if (!bytes) return;
      connection.send(bytes);
    }
  }

  /** Gives a connection up, and dials again where the view wants to go on. */
  #hangUp(): void {
    const connection = this.#connection;
    this.#link++;
    this.#connection = null;
    connection?.close(1000, this.#view.phase().reason);
    this.#lost('');
  }

  #broke(code: number, reason: string): void {
    this.#link++;
    this.#connection = null;
    this.#lost(reason || (code === 1006 || !code ? 'the connection broke' : `closed by ${code}`));
  }

  #lost(reason: string): void {
    if (this.#up) this.#view.link(false, this.#now());
    this.#up = false;
    if (this.#closed) return;
    if (this.#view.phase().phase === PHASE.closed) return this.#tell();
    if (this.#options.reconnect === false) {
      return this.#end(new ClosedError(reason || 'the connection ended'));
    }
    if (reason) this.#given = new SkepError('E_CLOSED', reason);
    // Full jitter: a thousand clients of a server that comes back do not come at once.
    const most = Math.min(RETRY_FIRST_MS * 2 ** this.#tries++, RETRY_MOST_MS);
    const wait = this.#tries === 1 ? Math.random() * most : most / 4 + Math.random() * most * 0.75;
    this.#retryAt = this.#now() + wait;
    if (!this.#options.manual) this.#stopRetry = after(wait, () => this.#dial());
    this.#tell();
  }

  /** Does what time asks for: pings, silence, another try. Made by itself unless `manual`. */
  turn(): void {
    if (this.#closed) return;
    const now = this.#now();
    try {
      const on = this.#view.tick(now);
      this.#pump();
      // A view that is not connected yet has nothing against being dialled for.
      if (!on && this.#up) this.#hangUp();
      if (this.#connection && !this.#up && now - this.#dialledAt > DIAL_MS) {
        this.#connection.close(1000, '');
        this.#broke(0, 'the server does not answer');
      }
      if (this.#options.manual && this.#retryAt && now >= this.#retryAt) this.#dial();
    } catch (error) {
      this.#end(error as SkepError);
    }
    this.#tell();
  }

  /** Ends it for good. */
  #end(why: SkepError): void {
    if (this.#closed) return;
    this.#given = why;
    this.#view.leave();
    this.#finish();
    this.#tell();
  }

  #finish(): void {
    this.#closed = true;
    this.#stopTurn();
    this.#stopRetry();
    const connection = this.#connection;
    this.#link++;
    this.#connection = null;
    connection?.close(1000, '');
  }

  // ---- the state -------------------------------------------------------------------------------

  /** Where the client stands. */
  get state(): LiveState {
    return this.#state;
  }

  /** Why, where there is something to say. */
  get why(): SkepError | null {
    return this.#why;
  }

  /** Tells listeners of a state that is new. */
  #tell(): void {
    const { phase, reason } = this.#view.phase();
    const state = this.#closed ? 'closed' : STATES[phase]!;
    if (state === 'live') this.#given = null;
    if (state === 'closed' && !this.#closed) this.#finish();
    const text = reason || this.#given?.message || '';
    if (state === this.#state && text === (this.#why?.message ?? '')) return;
    const before = this.#state;
    this.#state = state;
    this.#why = !text ? null : this.#given && !reason ? this.#given : errorOf(this.#host, text);
    if (before === state) return;
    for (const listener of [...this.#stateListeners]) listener(state, this.#why);
  }

  /** Calls `fn` when the state changes. Returns what ends that. */
  on(event: 'state', fn: StateListener): () => void;
  /** Calls `fn` with each event that comes, of whatever type, in the picture that shows its
   * moment. */
  on(event: 'event', fn: AnyListener): () => void;
  /** Calls `fn` with each event of a type. */
  on<N extends string, F extends Fields>(
    event: EventType<N, F>,
    fn: (value: Value<Component<N, F>>, info: EventInfo) => void,
  ): () => void;
  on(event: 'state' | 'event' | EventType, fn: unknown): () => void {
    if (event === 'state') return listen(this.#stateListeners, fn as StateListener);
    if (event === 'event') return listen(this.#anyListeners, fn as AnyListener);
    let set = this.#eventListeners.get(event.name);
    if (!set) this.#eventListeners.set(event.name, (set = new Set()));
    return listen(set, fn as EventListener);
  }

  // ---- what is shown ---------------------------------------------------------------------------

  /** Makes the picture of a moment, of the clock that requestAnimationFrame and performance.now
   * have, and gives it to be read; for the same moment the same picture. Events whose moment it
   * shows are told. */
  frame(now: number = this.#now()): Frame {
    if (this.#host.closed) throw new ClosedError('the client was disposed of');
    if (this.#frame.now === now) return this.#frame;
    this.#aim();
    const prediction = this.#prediction;
    const hz = prediction ? this.#view.figures(now)[8]! : 0;
    if (prediction && hz > 0) {
      prediction.advance(now, hz);
      this.#pump();
    }
    this.#view.frame(now);
    if (prediction && hz > 0) prediction.show(now);
    this.#frame.move(now);
    if (this.#eventListeners.size || this.#anyListeners.size) this.#events();
    this.#tell();
    return this.#frame;
  }

  #events(): void {
    this.#view.events((name, value, to, tick) => {
      for (const fn of [...(this.#eventListeners.get(name) ?? [])]) fn(value, { to, tick });
      for (const fn of [...this.#anyListeners]) fn({ name, value, to, tick });
    });
  }

  /** Asks for the area that is wanted now. */
  #aim(): void {
    const { interest } = this.#options;
    if (typeof interest === 'function') this.setInterest(interest());
  }

  /** Asks for another area; null is everything. */
  setInterest(interest: Interest): void {
    const area = interest ? `${interest.min.join()};${interest.max.join()}` : '';
    if (area === this.#area) return;
    this.#area = area;
    this.#view.area(interest);
    this.#pump();
  }

  /** A resource's newest value; undefined before it came. */
  resource<N extends string, F extends Fields>(
    resource: EventType<N, F>,
  ): Readonly<Value<Component<N, F>>> | undefined {
    return this.#view.resource(resource) as Readonly<Value<Component<N, F>>> | undefined;
  }

  // ---- inputs ----------------------------------------------------------------------------------

  /** Sends an input of the predicted kind, or the first of `inputs`. Returns its number; 0 where it
   * could not be sent, since the client is not live. What is predicted has it at once. */
  send(value: Readonly<Record<string, unknown>>): number;
  /** Sends an input. */
  send<N extends string, F extends Fields>(
    input: EventType<N, F>,
    value: Partial<Value<Component<N, F>>>,
  ): number;
  send(first: unknown, second?: unknown): number {
    const { predict, inputs } = this.#options;
    const input = second === undefined ? (predict?.input ?? inputs?.[0]) : (first as EventType);
    if (!input) {
      throw new SkepError('E_ARGUMENT', 'send: there is no input to send', {
        hint: 'connect(url, { inputs: [Steer] }), or predict: { input: Steer }',
      });
    }
    if (this.#closed) return 0;
    const value = second === undefined ? first : second;
    const now = this.#now();
    const number =
      this.#prediction && input === predict?.input
        ? this.#prediction.send(this.#view, input, value, now)
        : this.#view.sendPlain(input, value, now);
    this.#pump();
    return number;
  }

  // ---- figures ---------------------------------------------------------------------------------

  /** Who this client is, and its own entity. */
  get own(): OwnState {
    return { ...this.#view.own(), local: this.#prediction?.local() ?? NULL_ENTITY };
  }

  /** What the client knows of its connection. */
  stats(): LiveStats {
    const f = this.#view.figures(this.#now());
    const at = (i: number): number => f[i]!;
    return {
      bytesReceived: at(0),
      messagesReceived: at(1),
      states: at(2),
      resyncs: at(3),
      reconnects: at(4),
      bytesHeld: at(5),
      tick: at(6),
      entities: at(7),
      hz: at(8),
      every: at(9),
      delayMs: at(10),
      jitterMs: at(11),
      rttMs: at(12),
      shownTick: at(13),
      serverTick: at(14),
      predict: this.#prediction?.stats() ?? null,
    };
  }

  // ---- the end ---------------------------------------------------------------------------------

  /** Leaves. The last picture can still be read; `dispose` gives the memory back. */
  close(): void {
    if (this.#closed) return;
    this.#view.leave();
    this.#pump();
    this.#given = null;
    this.#finish();
    this.#tell();
  }

  /** Leaves, and gives the memory back: nothing can be read afterwards. */
  dispose(): void {
    this.close();
    if (this.#host.closed) return;
    this.#prediction?.close();
    this.#view.close();
    if (this.#small) this.#small.close();
    else this.#host.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function listen<F>(set: Set<F>, fn: F): () => void {
  set.add(fn);
  return () => void set.delete(fn);
}

/** What the view says of itself, as an error: of the schema it says "Component.field: why". */
function errorOf(host: Host, text: string): SkepError {
  const [, component = '', field] = /^(\w+)(?:\.(\w+))?: /.exec(text) ?? [];
  const known = [...host.all()].some(k => k.info.name === component);
  if (!known) return new ClosedError(text);
  return new SchemaError(text, component, field, {
    hint: 'server and client need the same definitions',
  });
}

/** Connects to a server, and resolves when its world is there. Rejects with SchemaError for
 * definitions that are not the server's, with ClosedError where the server does not let it in, with
 * DeadlineError after timeoutMs, with SkepError for options that do not fit together. */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Live> {
  let small: SmallWorld | null = null;
  if (options.predict) {
    // Worlds and schedulers are no part of a page that only looks on.
    const { makeSmallWorld } = await import('./prediction.js');
    small = await makeSmallWorld(options.predict, options);
  }
  options.signal?.throwIfAborted();
  let live: Live;
  try {
    live = new Live(String(url), options, small);
  } catch (error) {
    small?.close();
    throw error;
  }
  options.signal?.addEventListener('abort', () => live.dispose(), { once: true });
  try {
    await settled(live, options);
  } catch (error) {
    live.dispose();
    throw error;
  }
  return live;
}

/** Waits until a client is live. */
function settled(live: Live, options: ConnectOptions): Promise<void> {
  const { timeoutMs = 15_000, signal } = options;
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (live.state === 'live') return over(resolve);
      if (signal?.aborted) return over(() => reject(signal.reason as Error));
      if (live.state === 'closed') {
        over(() => reject(live.why ?? new ClosedError('the server ended the connection')));
      }
    };
    const late = (): void => {
      const why = live.why ? `: ${live.why.message}` : '';
      over(() =>
        reject(
          new DeadlineError(`${live.url}: no world within ${timeoutMs} ms${why}`, timeoutMs, {
            hint: 'is the server there, and does it run frames? connect(url, { timeoutMs })',
          }),
        ),
      );
    };
    const stop = live.on('state', look);
    const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
    const over = (then: () => void): void => {
      clearTimeout(timer);
      stop();
      then();
    };
    look();
  });
}
