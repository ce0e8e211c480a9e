// SPDX-License-Identifier: MIT
// What a gateway and what it publishes are made with, and what is told to those who listen.

import type { AnyComponent, EventType } from '../component.js';
import type { Entity } from '../entity.js';
import { SchemaError, type SkepError } from '../errors.js';

declare const quantum: unique symbol;

/** The step to which a field is rounded on its way; made by `q`. */
export interface Quantum {
  /** The step is 2 to this. */
  readonly log2: number;
  readonly [quantum]: true;
}

/** The quantum of a field of f32: a power of two, such as 1/64. What is published is rounded to it,
 * and costs bits by how many steps it moved. */
export function q(step: number): Quantum {
  const log2 = Math.log2(step);
  if (!Number.isInteger(log2) || log2 < -60 || log2 > 60) {
    throw new SchemaError(`q(${step}): a quantum is a power of two`, '', undefined, {
      hint: `q(${2 ** Math.round(Math.log2(step > 0 ? step : 1))}) is near`,
    });
  }
  return { log2 } as Quantum;
}

/** Where entities are, so that a client may ask for an area. */
export interface Place {
  component: AnyComponent | string;
  /** One to three fields of f32. */
  fields: readonly string[];
  /** The edge of a cell of the grid by which areas are cut, in units of the fields. */
  cell: number;
}

/** What is published, and how often. Components of C systems are given by name. Where a scene
 * declares it (skep/scene.h) and none of components, hide, events, resources, fields, rates and
 * place is given, it is as the scene says, and players get their own entities from it. */
export interface PublishOptions {
  /** Frames from one state to the next; 3 by default. */
  every?: number;
  /** Frames a second of the world; 60 by default. */
  hz?: number;
  /** By default all with columns that the world knows when its first frame begins: better named. */
  components?: readonly (AnyComponent | string)[];
  /** Components that stay here. */
  hide?: readonly (AnyComponent | string)[];
  /** None by default. */
  events?: readonly (EventType | string)[];
  /** None by default. */
  resources?: readonly (EventType | string)[];
  /** Quanta by component and field: { Pos: { x: q(1 / 64) } }. */
  fields?: Readonly<Record<string, Readonly<Record<string, Quantum>>>>;
  /** Which field is the change a second of another, both with quanta: { 'Pos.x': 'Vel.x' }. The
   * next value is told ahead by it, which saves bytes. */
  rates?: Readonly<Record<string, string>>;
  /** Without one everybody gets everything. */
  place?: Place;
  /** A component with a field `player`: what gets it is that player's own entity. The same as
   * setting `player.own`. */
  owner?: AnyComponent;
  /** States that a client may still have as its base; 32 by default. */
  ring?: number;
}

/** The limits of a gateway; each has a default. */
export interface GatewayLimits {
  /** Connections at one time; 1,024. */
  connections?: number;
  /** Of one address; 32. */
  connectionsPerAddress?: number;
  /** Bytes of a message from a client; 65,536. */
  messageBytes?: number;
  /** Bytes of a message to a client; 1,048,576. */
  messageDownBytes?: number;
  /** Inputs that a client may send in a frame's time, on average; 2. */
  inputsPerTick?: number;
  /** Frames ahead that an input may name; 64. */
  inputWindow?: number;
  /** Bytes of events that wait for one client; 262,144. */
  eventBytes?: number;
  /** Milliseconds for HELLO; 5,000. */
  helloMs?: number;
  /** Milliseconds of silence until a PING; 15,000. */
  pingMs?: number;
  /** Milliseconds of silence until the end; 45,000. */
  dropMs?: number;
  /** Milliseconds in which a message must have left; 15,000. */
  drainMs?: number;
  /** Milliseconds that a player whose connection broke is kept; 30,000. */
  resumeMs?: number;
}

/** Of a connection that asks to be let in. */
export interface Caller {
  /** The address that limits count by. */
  readonly address: string;
  readonly origin: string | null;
  /** Headers of the request; none where there was no request. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Who was let in. `player` is a whole number from 1 to 4,294,967,295, never used for somebody
 * else; `data` comes back as `Player.data`. */
export interface Admission {
  player: number;
  data?: unknown;
}

/** Somebody who plays: from the first connection on, until he left or did not come back. */
export interface Player {
  readonly id: number;
  /** What `auth` gave. */
  readonly data: unknown;
  /** His own entity, 0 while there is none: his inputs go to it, and he gets it without quanta. */
  own: Entity;
  /** He is connected, and not just kept for when he comes back. */
  readonly connected: boolean;
  /** Ends his connection with a reason, a short text of the program's. */
  kick(reason: string): void;
}

/** What a gateway tells. */
export interface GatewayEvents {
  /** A player is there; between frames. */
  join: (player: Player) => void;
  /** A player is gone for good; between frames. */
  leave: (player: Player) => void;
  /** Something went wrong that belongs to no call. */
  error: (error: SkepError) => void;
}

/** What a gateway did. */
export interface GatewayStats {
  /** Open connections. */
  connections: number;
  /** Players, those who may still come back included. */
  players: number;
  /** States that were published. */
  states: number;
  /** Messages that were encoded, each once for all who share it. */
  messagesEncoded: number;
  bytesEncoded: number;
  /** Messages that went out. */
  messagesSent: number;
  bytesSent: number;
  /** Whole states that went out. */
  wholesSent: number;
  inputsReceived: number;
  inputsRefused: number;
  /** Of the last state. */
  tick: number;
  entities: number;
  viewClasses: number;
  /** Bytes held by states, messages and sessions. */
  bytesHeld: number;
  /** Milliseconds for the last state: taking it, quantising it, and sending. */
  publishMs: number;
}

/** The two functions that carry a connection's messages; see Gateway.attach. */
export interface Pipe {
  /** Sends a binary message, whose bytes stay until `done` was called and not longer. */
  send(bytes: Uint8Array, done: (error?: Error | null) => void): void;
  /** Closes it when what was sent has left. */
  close(code: number, reason: string): void;
  /** Ends it at once. */
  terminate(): void;
}

/** What a pipe tells the gateway. */
export interface Attached {
  /** A message came. */
  receive(bytes: Uint8Array): void;
  /** The connection is gone. */
  closed(): void;
}
