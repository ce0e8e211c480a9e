// SPDX-License-Identifier: MIT
// Runs a job over plain arrays, block by block, in a worker or on the caller. Old values that are
// not the worker's own are shown as copies of 1,024 rows at a time, small enough to stay in the
// cache, and new values go to other arrays: so nothing that a job writes outside of `out` reaches
// the caller's arrays, shared or not, and what is in `out` does so only once all parts are done.
//
//     source arrays --a block--> cols --> job --> out, a view of the result arrays

import { SkepError } from '../errors.js';
import { infoOf, type AnyComponent, type FieldLayout } from '../component.js';
import { EntityColumn, entityMake, type Entity, type EntityColumnView } from '../entity.js';
import { isJob, type AnyJob } from '../job.js';
import { randomAt, randomKey, type RandomKey } from './random.js';

/** Rows of a block. */
export const BLOCK_ROWS = 1024;

export type Plain =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;
/** Arrays by component and field. An entity field's array holds two words a row. */
export type Arrays = Readonly<Record<string, Readonly<Record<string, Plain>>>>;

/** The rows that one worker runs. */
export interface ColumnsPart {
  readonly rows: number;
  /** The number of the first row, a multiple of BLOCK_ROWS. */
  readonly first: number;
  readonly dt: number;
  readonly time: number;
  readonly tick: number;
  readonly seed: number;
  readonly extra: unknown;
  readonly entities: Float64Array | null;
  /** Old values. Missing where the job overwrites and does not read. */
  readonly source: Arrays;
  /** The source arrays that are not shared belong to whoever runs the part, and may be shown to
   * the job as they are; those that are shared only if it is trusted. */
  readonly owned: boolean;
  readonly trusted: boolean;
  /** Where results go straight to; the others come back as arrays of their own. */
  readonly direct: Arrays;
  /** Those of an earlier call, to be used again. */
  readonly spare: Arrays | null;
}

/** Whether other threads see it as well. */
export function isShared(array: Plain): boolean {
  return typeof SharedArrayBuffer === 'function' && array.buffer instanceof SharedArrayBuffer;
}

export interface ColumnsResult {
  readonly arrays: Arrays;
}

/** What a job threw, and in which block. */
export class BlockFault extends Error {
  /** null where the job gets all rows at once. */
  readonly block: number | null;

  constructor(block: number | null, cause: unknown) {
    super('a block failed', { cause });
    this.block = block;
  }
}

interface ArrayMaker {
  new (length: number): Plain;
}
const ARRAYS: Readonly<Record<FieldLayout['type'], ArrayMaker>> = {
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
  bytes: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
  entity: Uint32Array,
};

/** The class of a field's array. */
export function arrayOf(field: FieldLayout): ArrayMaker {
  return ARRAYS[field.type];
}

/** Array elements a row. */
export function elementsOf(field: FieldLayout): number {
  return field.type === 'entity' ? 2 * field.count : field.count;
}

/** The components that a job reads or writes, each once. */
export function componentsOf(job: AnyJob): AnyComponent[] {
  const byName = new Map<string, AnyComponent>();
  for (const c of [...job.reads, ...job.writes] as AnyComponent[]) byName.set(c.name, c);
  return [...byName.values()];
}

interface Column {
  readonly field: FieldLayout;
  readonly elements: number;
  readonly source: Plain | undefined;
  /** The block's own copy of the old values; null where the source itself may be shown. */
  readonly copy: Plain | null;
  /** Where new values go, of written fields. */
  readonly result: Plain | null;
  readonly cols: Record<string, Plain | EntityColumn>;
  readonly out: Record<string, Plain | EntityColumn> | undefined;
}
type Results = Record<string, Record<string, Plain>>;
type Views = Record<string, Record<string, Plain | EntityColumn>>;

function viewOf(field: FieldLayout, array: Plain): Plain | EntityColumn {
  return field.type === 'entity' ? new EntityColumn(array as Uint32Array) : array;
}

/** What a job sees of a block of a certain number of rows. */
class Desk {
  readonly rows: number;
  readonly cols: Views = {};
  readonly out: Views = {};
  readonly #list: Column[] = [];

  /** `results` gets the arrays that it lacks. */
  constructor(job: AnyJob, part: ColumnsPart, rows: number, results: Results) {
    this.rows = rows;
    for (const component of componentsOf(job)) {
      const { name } = component;
      this.cols[name] = {};
      if (job.writes.includes(component)) {
        this.out[name] = {};
        results[name] ??= {};
      }
      for (const field of infoOf(component).layout) this.#add(name, field, part, results);
    }
  }

  #add(component: string, field: FieldLayout, part: ColumnsPart, results: Results): void {
    const { name } = field;
    const make = arrayOf(field);
    const elements = elementsOf(field);
    const source = part.source[component]?.[name];
    const shown = source && (isShared(source) ? part.trusted : part.owned);
    const copy = shown ? null : new make(this.rows * elements);
    const cols = this.cols[component]!;
    const out = this.out[component];
    const result = out
      ? (part.direct[component]?.[name]
        ?? (results[component]![name] ??= new make(part.rows * elements)))
      : null;
    if (copy) cols[name] = viewOf(field, copy);
    this.#list.push({ field, elements, source, copy, result, cols, out });
  }

  /** Turns to the block whose first row is `at`. */
  turn(at: number, keepOld: boolean): void {
    for (const { field, elements, source, copy, result, cols, out } of this.#list) {
      const from = at * elements;
      const to = from + this.rows * elements;
      const old = source?.subarray(from, to);
      if (!copy) cols[field.name] = viewOf(field, old!);
      else if (old) copy.set(old as never);
      if (!out) continue;
      const fresh = result!.subarray(from, to);
      if (keepOld) fresh.set((copy ?? old) as never);
      out[field.name] = viewOf(field, fresh);
    }
  }
}

/** The handles of a block, as given, or else the rows' numbers. */
function handlesOf(part: ColumnsPart, at: number, length: number): EntityColumnView {
  const { entities, first } = part;
  return {
    length,
    at: row => (entities ? (entities[at + row] as Entity) : entityMake(first + at + row, 1)),
  };
}

/** What a job is called with: one for a part, turned from block to block. */
class PartInput {
  n = 0;
  readonly dt: number;
  readonly time: number;
  readonly tick: number;
  readonly extra: unknown;
  entities: EntityColumnView;
  cols: Views = {};
  out: Views = {};
  readonly #job: string;
  readonly #part: ColumnsPart;
  readonly #key: RandomKey;

  constructor(job: AnyJob, part: ColumnsPart) {
    this.dt = part.dt;
    this.time = part.time;
    this.tick = part.tick;
    this.extra = part.extra;
    this.entities = handlesOf(part, 0, 0);
    this.#job = job.name;
    this.#part = part;
    this.#key = randomKey(part.seed, job.name, part.tick);
  }

  turn(at: number, desk: Desk): void {
    this.n = desk.rows;
    this.cols = desk.cols;
    this.out = desk.out;
    this.entities = handlesOf(this.#part, at, desk.rows);
  }

  get eids(): Entity[] {
    return Array.from({ length: this.n }, (_, row) => this.entities.at(row));
  }

  // Properties, so that a job may take them out of its input by name.
  readonly spawn = (): never => this.#refuse('spawn');
  readonly destroy = (): never => this.#refuse('destroy');
  readonly put = (): never => this.#refuse('put');
  readonly remove = (): never => this.#refuse('remove');
  readonly send = (): never => this.#refuse('send');
  readonly random = (entity: Entity, draw: number): number => randomAt(this.#key, entity, draw);

  #refuse(what: string): never {
    const text = `job "${this.#job}" called ${what}: columns has no world`;
    throw new SkepError('E_UNSUPPORTED', text, {
      hint: 'run it as a system of a ParallelScheduler',
    });
  }
}

// V8 would inline the loop of the job into ours, and then load its arrays from `cols` and `out`
// anew for each row: 1.7 times slower in all. It does not see through Set.prototype.forEach.
const BARRIER = new Set([0]);

function runBlock(job: AnyJob, input: PartInput): void {
  let returned: unknown;
  BARRIER.forEach(() => {
    returned = job.handle(input as never);
  });
  if (typeof (returned as PromiseLike<void> | undefined)?.then === 'function') {
    Promise.resolve(returned).catch(() => {});
    throw new SkepError('E_UNSUPPORTED', `job "${job.name}" returned a promise`, {
      hint: 'a job over columns is synchronous',
    });
  }
}

/** Runs a part. Returns the written arrays, except those that were written directly. Throws
 * BlockFault with what the job threw. */
export function runColumns(job: unknown, part: ColumnsPart): ColumnsResult {
  if (!isJob(job)) {
    throw new SkepError('E_ARGUMENT', 'columns needs a job that defineJob made');
  }
  const arrays = (part.spare ?? {}) as Results;
  const input = new PartInput(job, part);
  const rowsMax = job.split ? BLOCK_ROWS : part.rows;
  let desk: Desk | undefined;
  for (let at = 0; at < part.rows; at += rowsMax) {
    const rows = Math.min(rowsMax, part.rows - at);
    desk = desk?.rows === rows ? desk : new Desk(job, part, rows, arrays);
    try {
      desk.turn(at, !job.overwrite);
      input.turn(at, desk);
      runBlock(job, input);
    } catch (error) {
      throw new BlockFault(job.split ? (part.first + at) / BLOCK_ROWS : null, error);
    }
  }
  return { arrays };
}

/** The buffers of a result, which move instead of being copied. */
export function buffersOf(arrays: Arrays): ArrayBuffer[] {
  return Object.values(arrays)
    .flatMap(fields => Object.values(fields))
    .map(array => array.buffer as ArrayBuffer);
}
