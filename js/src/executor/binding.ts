// SPDX-License-Identifier: MIT
// What a JavaScript job uses, and where that is in the struct of pointers that wasm passes: plain
// data, so that it reaches workers by message. Made once, when the system is registered.

import type { FieldLayout } from '../component.js';
import { MODE } from '../core/layout.js';

/** A component whose columns the job sees. */
export interface BoundColumns {
  readonly name: string;
  /** The component's id in the scheduler's realm. */
  readonly cid: number;
  readonly layout: readonly FieldLayout[];
  /** Byte offset of the first pointer. */
  readonly offset: number;
  /** New values, to be written. */
  readonly write: boolean;
}

/** A component that the job may put on entities. */
export interface BoundRight {
  readonly name: string;
  readonly identity: string;
  /** Address of the description in wasm. */
  readonly address: number;
  /** Places in the access table; -1: no such right. */
  readonly add: number;
  readonly remove: number;
}

/** A resource, or an event that the job may send. */
export interface BoundValue {
  readonly name: string;
  readonly identity: string;
  readonly layout: readonly FieldLayout[];
  readonly offset: number;
  readonly slot: number;
}

/** An event or input that the job hears. */
export interface BoundMessage {
  readonly name: string;
  readonly layout: readonly FieldLayout[];
  /** Byte offsets of its two structs: all new ones, and those to each row (-1: without rows). */
  readonly events: number;
  readonly inbox: number;
}

export interface Binding {
  readonly id: number;
  /** The system's name, and the job's, by which workers find it. */
  readonly system: string;
  readonly job: string;
  readonly module: string | undefined;
  readonly columns: readonly BoundColumns[];
  readonly rights: readonly BoundRight[];
  readonly resources: readonly BoundValue[];
  readonly events: readonly BoundValue[];
  readonly hears: readonly BoundMessage[];
  /** Places of the rights to spawn: without a prefab (-1: none), and by the prefab's name. */
  readonly spawn: number;
  readonly spawns: Readonly<Record<string, number>>;
  readonly spawnMax: number;
  readonly destroy: number;
}

/** One line of an access table. */
export interface Use {
  /** Address of the component's description; 0: any entity. */
  readonly address: number;
  readonly mode: number;
}

export const ANY_ENTITY = 0;

/** Names of modes, for messages. */
export function modeName(mode: number): string {
  return Object.entries(MODE).find(([, value]) => value === mode)?.[0] ?? String(mode);
}
