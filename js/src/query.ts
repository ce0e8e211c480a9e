// SPDX-License-Identifier: MIT
// Queries: which entities, and their columns block by block. One call into wasm lists all blocks of
// a pass; while it is open no row moves, and structural changes wait for its end.

/// <reference lib="esnext.disposable" preserve="true" />

import type { AnyComponent, Reads, Writes } from './component.js';
import { EntityColumn, type Entity, type EntityColumnView } from './entity.js';
import { SkepError } from './errors.js';
import type { ColumnSet } from './core/columns.js';
import type { Host, Known } from './core/host.js';

/** What a query asks for. `read` and `write` name the columns that it gives, and that an entity
 * must have; the others only choose. */
export interface QuerySpec<W extends readonly AnyComponent[] = readonly AnyComponent[],
                           R extends readonly AnyComponent[] = readonly AnyComponent[],
                           O extends readonly AnyComponent[] = readonly AnyComponent[]> {
  write?: W;
  read?: R;
  /** Columns that are undefined where the entity lacks the component. */
  optional?: O;
  with?: readonly AnyComponent[];
  any?: readonly AnyComponent[];
  not?: readonly AnyComponent[];
  /** Only rows in which one of these was written since the query's last pass. */
  changed?: readonly AnyComponent[];
}

type Cols<R extends readonly AnyComponent[], W extends readonly AnyComponent[],
          O extends readonly AnyComponent[]> =
  [...{ [I in keyof W]: Writes<W[I]> }, ...{ [I in keyof R]: Reads<R[I]> },
   ...{ [I in keyof O]: Reads<O[I]> | undefined }];

/** Is called for each block: rows, the columns in the order write, read, optional, then the rows'
 * handles and, with `changed`, the numbers of the rows that changed. */
export type EachFn<R extends readonly AnyComponent[], W extends readonly AnyComponent[],
                   O extends readonly AnyComponent[]> =
  (n: number, ...columns: [...Cols<R, W, O>, entities: EntityColumnView, rows: Uint32Array | null]) =>
  void;

/** skep_term_kind. */
const TERM = { all: 0, any: 1, none: 2, optional: 3, changed: 4, removed: 5 } as const;

interface Term {
  readonly known: Known;
  readonly kind: number;
  readonly write: boolean;
  /** Its columns are handed out. */
  readonly shown: boolean;
}

export class Query {
  readonly #host: Host;
  readonly #terms: readonly Term[];
  readonly #address: number;
  readonly #writeMask: number;
  readonly #words: number;
  readonly #handles = new Map<number, EntityColumn>();
  #freed = false;

  /** @internal */
  constructor(host: Host, spec: QuerySpec) {
    this.#host = host;
    this.#terms = termsOf(host, spec);
    const u32 = host.instance.u32;
    this.#terms.forEach((term, i) => {
      u32[host.io + 2 * i] = term.known.address;
      u32[host.io + 2 * i + 1] = term.kind;
    });
    this.#address = host.ex['skep_host_query']!(host.address, this.#terms.length);
    if (!this.#address) throw host.error(queryStatus(host));
    this.#writeMask = this.#terms.reduce((mask, term, i) => term.write ? mask | 1 << i : mask, 0);
    this.#words = 4 + this.#terms.reduce((sum, term) => sum + term.known.info.layout.length, 0);
  }

  /** Entities that match; `changed` counts as having the component. O(tables). */
  get count(): number {
    return this.#host.ex['skep_host_query_count']!(this.#host.address, this.#address);
  }

  /** Calls `fn` for each block. */
  run(fn: (n: number, ...rest: unknown[]) => void): void {
    const host = this.#host;
    const status = host.ex['skep_host_pass']!(host.address, this.#address, this.#writeMask);
    if (status !== 0) {
      const error = host.error(status);
      if (!error.message.includes('iterated')) host.ex['skep_host_pass_end']!(host.address);
      throw error;
    }
    try {
      this.#blocks(host.word(0) >> 2, host.word(1), fn);
    } finally {
      const ended = host.ex['skep_host_pass_end']!(host.address);
      // An exception of the caller's own is not hidden by one of what waited for the end.
      if (ended !== 0) throw host.error(ended);
    }
  }

  #blocks(at: number, blocks: number, fn: (n: number, ...rest: unknown[]) => void): void {
    const u32 = this.#host.instance.u32;
    const terms = this.#terms;
    const args: unknown[] = [];
    for (let b = 0; b < blocks; b++) {
      const n = u32[at]!;
      const listed = u32[at + 2]!;
      const count = u32[at + 3]!;
      let word = at + 4;
      args.length = 0;
      for (let t = 0; t < terms.length; t++) {
        const term = terms[t]!;
        if (term.shown) args.push(term.known.cache.get(word, n));
        word += term.known.info.layout.length;
      }
      args.push(this.#entities(u32[at + 1]!, n), listed ? u32.slice(word, word + count) : null);
      fn(n, ...args);
      at += this.#words + (listed ? count : 0);
    }
  }

  #entities(address: number, n: number): EntityColumn {
    const cached = this.#handles.get(address);
    if (cached && cached.length === n) return cached;
    const column = new EntityColumn(
      new Uint32Array(this.#host.instance.memory.buffer, address, 2 * n));
    if (this.#handles.size > 4096) this.#handles.clear();
    this.#handles.set(address, column);
    return column;
  }

  /** The handles of all entities that match, as they are now. */
  entities(): Entity[] {
    const all: Entity[] = [];
    this.run((...args) => {
      const entities = args[args.length - 2] as EntityColumn;
      const rows = args[args.length - 1] as Uint32Array | null;
      if (rows) for (const row of rows) all.push(entities.at(row));
      else for (let i = 0; i < entities.length; i++) all.push(entities.at(i));
    });
    return all;
  }

  /** Frees the query; using it afterwards throws. */
  dispose(): void {
    if (this.#freed || this.#host.closed) return;
    this.#freed = true;
    this.#host.ex['skep_host_query_free']!(this.#host.address, this.#address);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function queryStatus(host: Host): number {
  return host.instance.text(host.ex['skep_host_error']!(host.address)).includes('terms') ? 2 : 3;
}

function termsOf(host: Host, spec: QuerySpec): Term[] {
  const terms: Term[] = [];
  const add = (list: readonly AnyComponent[] | undefined, kind: number, write: boolean,
               shown: boolean): void => {
    for (const component of list ?? []) {
      terms.push({ known: host.known(component), kind, write, shown });
    }
  };
  add(spec.write, TERM.all, true, true);
  add(spec.read?.filter(c => !spec.write?.includes(c)), TERM.all, false, true);
  add(spec.optional, TERM.optional, false, true);
  add(spec.with, TERM.all, false, false);
  add(spec.any, TERM.any, false, false);
  add(spec.not, TERM.none, false, false);
  add(spec.changed, TERM.changed, false, false);
  if (spec.read?.some(c => spec.write?.includes(c))) {
    throw new SkepError('E_ARGUMENT', 'a component stands in both `write` and `read`',
      { hint: '`write` columns hold the values to be read' });
  }
  return terms;
}

/** Lists what has lost a component since the last call. */
export class RemovedQuery {
  readonly #host: Host;
  readonly #address: number;

  /** @internal */
  constructor(host: Host, component: AnyComponent) {
    this.#host = host;
    host.instance.u32[host.io] = host.known(component).address;
    host.instance.u32[host.io + 1] = TERM.removed;
    this.#address = host.ex['skep_host_query']!(host.address, 1);
    if (!this.#address) throw host.error(queryStatus(host));
  }

  /** The entities, in the order in which it happened; also such that are gone by now. */
  take(): Entity[] {
    const host = this.#host;
    host.call('skep_host_removed', this.#address, 0);
    const count = host.word(1);
    const words = host.instance.u32.slice(host.word(0) >> 2, (host.word(0) >> 2) + 2 * count);
    return [...new EntityColumn(words)];
  }
}

/** A key for queries that ask for the same. */
export function queryKey(spec: QuerySpec): string {
  const ids = (list: readonly AnyComponent[] | undefined): string =>
    (list ?? []).map(component => component.id).join();
  return [spec.write, spec.read, spec.optional, spec.with, spec.any, spec.not].map(ids).join(';');
}

export type { ColumnSet };
