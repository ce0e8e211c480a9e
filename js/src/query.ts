// SPDX-License-Identifier: MIT
// Queries: which entities, and their columns block by block. One call into wasm lists all blocks of
// a pass; while it is open no row moves, and structural changes wait for its end.

/// <reference lib="esnext.disposable" preserve="true" />

import type { AnyComponent, Reads, Writes } from './component.js';
import { EntityColumn, toEntities, type Entity, type EntityColumnView } from './entity.js';
import { LimitError, SkepError } from './errors.js';
import type { ColumnSet } from './core/columns.js';
import type { Host, Known } from './core/host.js';

/** What a query asks for. `read` and `write` name the columns that it gives, and that an entity
 * must have; the others only choose. */
export interface QuerySpec<
  W extends readonly AnyComponent[] = readonly AnyComponent[],
  R extends readonly AnyComponent[] = readonly AnyComponent[],
  O extends readonly AnyComponent[] = readonly AnyComponent[],
> {
  write?: W;
  read?: R;
  /** Columns that are undefined where the entity lacks the component. */
  optional?: O;
  with?: readonly AnyComponent[];
  any?: readonly AnyComponent[];
  not?: readonly AnyComponent[];
  /** Only rows in which one of these was written since the query's last pass; at first, since the
   * query was made. */
  changed?: readonly AnyComponent[];
}

type Cols<
  R extends readonly AnyComponent[],
  W extends readonly AnyComponent[],
  O extends readonly AnyComponent[],
> = [
  ...{ [I in keyof W]: Writes<W[I]> },
  ...{ [I in keyof R]: Reads<R[I]> },
  ...{ [I in keyof O]: Reads<O[I]> | undefined },
];

/** Is called for each block: rows, the columns in the order write, read, optional, then the rows'
 * handles and, with `changed`, the numbers of the rows that changed. */
export type EachFn<
  R extends readonly AnyComponent[],
  W extends readonly AnyComponent[],
  O extends readonly AnyComponent[],
> = (
  n: number,
  ...columns: [...Cols<R, W, O>, entities: EntityColumnView, rows: Uint32Array | null]
) => void;

/** Components that one query can name. */
const TERM_MAX = 16;
/** skep_term_kind. */
const TERM = { all: 0, any: 1, none: 2, optional: 3, changed: 4, removed: 5 } as const;

interface Term {
  readonly known: Known;
  readonly kind: number;
  readonly write: boolean;
  /** Its columns are handed out. */
  readonly shown: boolean;
}

type BlockFn = (n: number, ...rest: unknown[]) => void;

/** What a block of an earlier pass was called with. */
interface Block {
  /** The words that described it. */
  readonly words: Uint32Array;
  readonly args: readonly unknown[];
}

export class Query {
  readonly #host: Host;
  readonly #terms: readonly Term[];
  readonly #address: number;
  readonly #writeMask: number;
  readonly #words: number;
  readonly #blocks: Block[] = [];
  #open = 0;
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
    if (!this.#address) throw host.error(host.word(0));
    this.#writeMask = this.#terms.reduce(
      (mask, term, i) => (term.write ? mask | (1 << i) : mask),
      0,
    );
    this.#words = 4 + this.#terms.reduce((sum, term) => sum + wordsOf(term), 0);
  }

  #check(): void {
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    if (this.#freed) {
      throw new SkepError('E_CLOSED', 'the query was disposed of', {
        hint: 'keep it with `using`, or dispose of it later',
      });
    }
  }

  /** Entities that match; `changed` counts as having the component. O(tables). */
  get count(): number {
    this.#check();
    return this.#host.ex['skep_host_query_count']!(this.#host.address, this.#address);
  }

  /** Calls `fn` for each block. */
  run(fn: BlockFn): void {
    this.#check();
    const host = this.#host;
    const status = host.ex['skep_host_pass']!(host.address, this.#address, this.#writeMask);
    if (status !== 0) throw host.error(status);
    this.#open++;
    let whole = false;
    try {
      this.#pass(host.word(0) >> 2, host.word(1), fn);
      whole = true;
    } finally {
      this.#open--;
      const ended = host.closed ? 0 : host.ex['skep_host_pass_end']!(host.address);
      if (this.#freed && !this.#open) this.#free();
      // An exception of the caller's own is not hidden by one of what waited for the end.
      if (ended !== 0 && whole) throw host.error(ended);
    }
  }

  #pass(at: number, blocks: number, fn: BlockFn): void {
    const u32 = this.#host.instance.u32;
    for (let b = 0; b < blocks && !this.#host.closed; b++) {
      const n = u32[at]!;
      const { args } = this.#block(b, at);
      const listed = u32[at + 2]! ? u32[at + 3]! : -1;
      at += this.#words;
      if (listed < 0) {
        call(fn, n, args);
      } else {
        fn(n, ...args.slice(0, -1), u32.slice(at, at + listed));
        at += listed;
      }
    }
  }

  /** The arguments of a block: those of the last pass where the words that describe it are equal.
   */
  #block(b: number, at: number): Block {
    const u32 = this.#host.instance.u32;
    const before = this.#blocks[b];
    if (before !== undefined) {
      const { words } = before;
      let same = words[0] === u32[at] && words[1] === u32[at + 1];
      for (let i = 4; same && i < words.length; i++) same = words[i] === u32[at + i];
      if (same) return before;
    }
    return (this.#blocks[b] = this.#makeBlock(at));
  }

  #makeBlock(at: number): Block {
    const { u32, memory } = this.#host.instance;
    const n = u32[at]!;
    const args: unknown[] = [];
    let word = at + 4;
    for (const term of this.#terms) {
      // Without columns, an optional component has a word that says whether it is there.
      const absent = !term.known.info.layout.length && wordsOf(term) && !u32[word];
      if (term.shown) args.push(absent ? undefined : term.known.cache.get(word, n));
      word += wordsOf(term);
    }
    args.push(new EntityColumn(new Uint32Array(memory.buffer, u32[at + 1]!, 2 * n)), null);
    return { words: u32.slice(at, at + this.#words), args };
  }

  /** The handles of all entities that match, as they are now. */
  entities(): Entity[] {
    const all: Entity[] = [];
    this.run((...args) => {
      const entities = args[args.length - 2] as EntityColumn;
      const rows = args[args.length - 1] as Uint32Array | null;
      const n = rows ? rows.length : entities.length;
      for (let i = 0; i < n; i++) all.push(entities.at(rows ? rows[i]! : i));
    });
    return all;
  }

  /** Frees the query; using it afterwards throws. */
  dispose(): void {
    if (this.#freed) return;
    this.#freed = true;
    if (!this.#open) this.#free();
  }

  #free(): void {
    if (this.#host.closed) return;
    this.#host.ex['skep_host_query_free']!(this.#host.address, this.#address);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The words of a term in the list of a block. */
function wordsOf(term: Term): number {
  return term.known.info.layout.length || (term.kind === TERM.optional ? 1 : 0);
}

/** Without building a list of arguments, for what is usual. */
function call(fn: BlockFn, n: number, a: readonly unknown[]): void {
  switch (a.length) {
    case 2:
      fn(n, a[0], a[1]);
      break;
    case 3:
      fn(n, a[0], a[1], a[2]);
      break;
    case 4:
      fn(n, a[0], a[1], a[2], a[3]);
      break;
    case 5:
      fn(n, a[0], a[1], a[2], a[3], a[4]);
      break;
    case 6:
      fn(n, a[0], a[1], a[2], a[3], a[4], a[5]);
      break;
    default:
      fn(n, ...a);
  }
}

function termsOf(host: Host, spec: QuerySpec): Term[] {
  const terms: Term[] = [];
  const add = (
    list: readonly AnyComponent[] | undefined,
    kind: number,
    write: boolean,
    shown: boolean,
  ): void => {
    for (const component of list ?? []) {
      terms.push({ known: host.component(component), kind, write, shown });
    }
  };
  add(spec.write, TERM.all, true, true);
  add(
    spec.read?.filter(c => !spec.write?.includes(c)),
    TERM.all,
    false,
    true,
  );
  add(spec.optional, TERM.optional, false, true);
  add(spec.with, TERM.all, false, false);
  add(spec.any, TERM.any, false, false);
  add(spec.not, TERM.none, false, false);
  add(spec.changed, TERM.changed, false, false);
  if (terms.length > TERM_MAX) {
    throw new LimitError(
      `a query of ${terms.length} terms: term_max is ${TERM_MAX}`,
      'term_max',
      TERM_MAX,
      terms.length,
      { hint: 'ask for fewer components' },
    );
  }
  if (spec.read?.some(c => spec.write?.includes(c))) {
    throw new SkepError('E_ARGUMENT', 'a component stands in both `write` and `read`', {
      hint: '`write` columns hold the values to be read',
    });
  }
  return terms;
}

/** Lists what has lost a component since the last call. */
export class RemovedQuery {
  readonly #host: Host;
  readonly #flush: () => void;
  #address: number;

  /** @internal */
  constructor(host: Host, component: AnyComponent, flush: () => void) {
    this.#host = host;
    this.#flush = flush;
    host.instance.u32[host.io] = host.component(component).address;
    host.instance.u32[host.io + 1] = TERM.removed;
    this.#address = host.ex['skep_host_query']!(host.address, 1);
    if (!this.#address) throw host.error(host.word(0));
  }

  /** The entities, in the order in which it happened; also such that are gone by now. */
  take(): Entity[] {
    this.#flush();
    const host = this.#host;
    if (!this.#address) throw new SkepError('E_CLOSED', 'the query was disposed of');
    host.call('skep_host_removed', this.#address, 0);
    return toEntities(host.instance.u32, host.word(0) >> 2, host.word(1));
  }

  /** Frees the query; using it afterwards throws. */
  dispose(): void {
    if (this.#address && !this.#host.closed) {
      this.#host.ex['skep_host_query_free']!(this.#host.address, this.#address);
    }
    this.#address = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A query that is kept. */
export class WorldQuery<
  R extends readonly AnyComponent[],
  W extends readonly AnyComponent[],
  O extends readonly AnyComponent[],
> {
  readonly #query: Query;
  readonly #flush: () => void;
  readonly #fire: () => void;

  /** @internal */
  constructor(query: Query, flush: () => void, fire: () => void) {
    this.#query = query;
    this.#flush = flush;
    this.#fire = fire;
  }

  /** As World.each. */
  run(fn: EachFn<R, W, O>): void {
    this.#flush();
    this.#query.run(fn as BlockFn);
    this.#fire();
  }

  /** Entities that match; with `changed` all that have the component. O(tables). */
  get count(): number {
    this.#flush();
    return this.#query.count;
  }

  /** The handles of all entities that match, as they are now. With `changed` this is a pass. */
  entities(): Entity[] {
    this.#flush();
    const entities = this.#query.entities();
    this.#fire();
    return entities;
  }

  /** Frees the query; using it afterwards throws. */
  dispose(): void {
    this.#query.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The queries of calls that name no query of their own, found by what they ask for. */
export class QueryCache {
  readonly #host: Host;
  readonly #root: Branch = { query: null, next: [] };
  readonly #made: Query[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  get(spec: QuerySpec): Query {
    let at = this.#walk(this.#root, spec.write, 0);
    at = this.#walk(at, spec.read, 1);
    at = this.#walk(at, spec.optional, 2);
    at = this.#walk(at, spec.with, 3);
    at = this.#walk(at, spec.any, 4);
    at = this.#walk(at, spec.not, 5);
    if (at.query === null) {
      at.query = new Query(this.#host, spec);
      this.#made.push(at.query);
    }
    return at.query;
  }

  #walk(at: Branch, list: readonly AnyComponent[] | undefined, role: number): Branch {
    if (list === undefined) return at;
    for (let i = 0; i < list.length; i++) {
      const key = this.#host.component(list[i]!).number * 6 + role;
      at = at.next[key] ??= { query: null, next: [] };
    }
    return at;
  }

  dispose(): void {
    for (const query of this.#made) query.dispose();
  }
}

/** The queries whose lists begin alike. */
interface Branch {
  query: Query | null;
  readonly next: (Branch | undefined)[];
}

export type { ColumnSet };
