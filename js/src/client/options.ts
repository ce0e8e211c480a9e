// SPDX-License-Identifier: MIT
// What a client is made with, and what it tells.

import type { AnyComponent, EventType } from '../component.js';
import type { Entity } from '../entity.js';
import type { SkepError } from '../errors.js';
import type { AnyJob } from '../job.js';
import type { Scene } from '../scene.js';
import type { Transport } from './transport.js';

/** Where a client stands. `stale`: connected, but no state came for a while. */
export type LiveState = 'connecting' | 'live' | 'stale' | 'reconnecting' | 'closed';

/** An area of one to three axes, in the units of the server's `place`; null is everything. */
export type Interest = {
  readonly min: readonly number[];
  readonly max: readonly number[];
} | null;

/** What the own entity does before the server has said so. */
export interface PredictOptions {
  /** What `send` sends. */
  input: EventType;
  /** The scene whose C systems the server runs: its wasm file, or what loadScene gave. */
  scene?: string | URL | Scene;
  /** Which of its systems move the own entity; those that the scene declares, by default. */
  systems?: readonly string[];
  /** JavaScript jobs that move it, as the server runs them. */
  jobs?: readonly AnyJob[];
  /** Parameters of the scene: mostly fewer entities, since what it creates is destroyed. */
  params?: Readonly<Record<string, string | number>>;
  /** What skep_data() gives the scene. */
  data?: string | Uint8Array;
  /** What is compared; by default all that the systems use of a row. */
  components?: readonly AnyComponent[];
  /** Entities that the small world has room for; 4,096 by default. */
  entities?: number;
  /** Milliseconds in which a correction is made good; 120. */
  smoothMs?: number;
  /** Ticks that a picture may predict again; 12. */
  maxReplay?: number;
  /** Ticks that it may run ahead of the newest state; 60. */
  maxAhead?: number;
}

export interface ConnectOptions {
  /** Says who this is. */
  token?: string;
  /** What to see; all that is published by default. */
  components?: readonly AnyComponent[];
  events?: readonly EventType[];
  resources?: readonly EventType[];
  /** What can be sent; the first is what `send(value)` sends. */
  inputs?: readonly EventType[];
  /** Where to look: an area, or what gives the one that is wanted now, asked before pictures. */
  interest?: Interest | (() => Interest);
  predict?: PredictOptions;
  /** Told of each state from the beginning, so of 'connecting' too. */
  onState?: (state: LiveState, why: SkepError | null) => void;
  /** Milliseconds until connect() gives up; 15,000. 0: never. */
  timeoutMs?: number;
  /** Ends the wait of connect(), and the client. */
  signal?: AbortSignal;
  /** The least and the most milliseconds by which is shown late. 0 and 500. */
  delayMs?: readonly [number, number];
  /** Milliseconds without a state until 'stale'; 2,000. */
  staleMs?: number;
  /** Entities that are shown at one time; 1,048,576. */
  entitiesMax?: number;
  /** Bytes of memory; 64 MiB by default, 96 MiB with prediction. */
  memoryMax?: number;
  /** false: a connection that breaks is the end. */
  reconnect?: boolean;
  /** Another way than WebSockets. */
  transport?: Transport;
  /** true: nothing runs by itself; call `turn` some ten times a second. */
  manual?: boolean;
  /** Milliseconds of a clock that never goes back, the one of `frame(now)`; performance.now by
   * default. */
  now?: () => number;
}

/** Of an event that came. */
export interface EventInfo {
  /** Whom it is for; 0: all. */
  readonly to: Entity;
  /** The server's frame. */
  readonly tick: number;
}

/** The own entity, as the server said last. */
export interface OwnState {
  /** Who the server took this client for; 0: not known yet. */
  readonly player: number;
  /** 0: there is none. */
  readonly entity: Entity;
  /** Its handle in the small world of the prediction; 0: there is none. */
  readonly local: Entity;
  /** The last input that the server applied. */
  readonly input: number;
  /** Ticks by which that came early; below 0: late. */
  readonly slack: number;
}

/** What a client knows of its connection. */
export interface LiveStats {
  bytesReceived: number;
  messagesReceived: number;
  states: number;
  resyncs: number;
  reconnects: number;
  bytesHeld: number;
  /** Of the newest state. */
  tick: number;
  /** Entities that are shown. */
  entities: number;
  /** The server's frames a second. */
  hz: number;
  /** Of its frames from state to state. */
  every: number;
  delayMs: number;
  jitterMs: number;
  /** 0: unknown. */
  rttMs: number;
  /** The moment that is shown, and where the server is now, in its frames. */
  shownTick: number;
  serverTick: number;
  /** null where nothing is predicted. */
  predict: PredictStats | null;
}

/** What a prediction did. */
export interface PredictStats {
  ticks: number;
  /** Of those, again. */
  replayed: number;
  /** States of the server that were compared. */
  compared: number;
  /** Of those, that differed. */
  corrections: number;
  skipped: number;
  tick: number;
  /** Ticks ahead of the server. */
  lead: number;
  /** What is still being made good, in units of fields. */
  error: number;
}
