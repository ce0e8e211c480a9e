// SPDX-License-Identifier: MIT
// Runs a job over plain arrays, block by block, in a worker or on the caller. The job sees copies
// of 1,024 rows at a time, small enough to stay in the cache: so nothing that it writes outside of
// `out` reaches the caller's arrays, shared or not, and its views are the same for every block.
//
//     source arrays --copy a block--> cols, out --job--> out --copy--> result arrays

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
  /** Where results go straight to; the others come back as new arrays. */
  readonly direct: Arrays;
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
  readonly elements: number;
  readonly source: Plain | undefined;
  readonly cols: Plain;
  readonly out: Plain | undefined;
  readonly result: Plain | undefined;
}
type Columns = Record<string, Record<string, Plain | EntityColumn>>;

function face(field: FieldLayout, array: Plain): Plain | EntityColumn {
  return field.type === 'entity' ? new EntityColumn(array as Uint32Array) : array;
}

/** The arrays of a part: what is copied where, and the job's views. */
class Desk {
  readonly list: Column[] = [];
  readonly cols: Columns = {};
  readonly out: Columns = {};
  readonly arrays: Record<string, Record<string, Plain>> = {};

  constructor(job: AnyJob, part: ColumnsPart, rows: number) {
    const writes = new Set((job.writes as AnyComponent[]).map(c => c.name));
    for (const component of componentsOf(job)) {
      this.#add(component, part, rows, writes.has(component.name));
    }
  }

  #add(component: AnyComponent, part: ColumnsPart, rows: number, written: boolean): void {
    const { name } = component;
    const direct = part.direct[name];
    this.cols[name] = {};
    if (written) this.out[name] = {};
    if (written && !direct) this.arrays[name] = {};
    for (const field of infoOf(component).layout) {
      const make = arrayOf(field);
      const elements = elementsOf(field);
      const cols = new make(rows * elements);
      const out = written ? new make(rows * elements) : undefined;
      const result = !written
        ? undefined
        : (direct?.[field.name] ?? new make(part.rows * elements));
      this.list.push({ elements, cols, out, result, source: part.source[name]?.[field.name] });
      this.cols[name][field.name] = face(field, cols);
      if (out) this.out[name]![field.name] = face(field, out);
      if (written && !direct) this.arrays[name]![field.name] = result!;
    }
  }

  /** The views of the first `rows` rows, where a block is not full. */
  narrow(rows: number): { cols: Columns; out: Columns } {
    const cut = (columns: Columns): Columns =>
      mapColumns(
        columns,
        (array, full) => {
          if (array instanceof EntityColumn) {
            return new EntityColumn(array.words.subarray(0, (array.words.length / full) * rows));
          }
          return array.subarray(0, (array.length / full) * rows) as Plain;
        },
        this.#rowsOf(),
      );
    return { cols: cut(this.cols), out: cut(this.out) };
  }

  #rowsOf(): number {
    const column = this.list[0];
    return column ? column.cols.length / column.elements : 1;
  }

  load(at: number, rows: number, keepOld: boolean): void {
    for (const { elements, source, cols, out } of this.list) {
      if (!source) continue;
      const block = source.subarray(at * elements, (at + rows) * elements);
      cols.set(block as never);
      if (out && keepOld) out.set(block as never);
    }
  }

  store(at: number, rows: number): void {
    for (const { elements, out, result } of this.list) {
      if (!out) continue;
      const count = rows * elements;
      const block = count === out.length ? out : out.subarray(0, count);
      result!.set(block as never, at * elements);
    }
  }
}

function mapColumns(
  columns: Columns,
  change: (a: Plain | EntityColumn, full: number) => Plain | EntityColumn,
  full: number,
): Columns {
  return Object.fromEntries(
    Object.entries(columns).map(([name, fields]) => [
      name,
      Object.fromEntries(Object.entries(fields).map(([f, array]) => [f, change(array, full)])),
    ]),
  );
}

class Handles implements EntityColumnView {
  readonly length: number;
  readonly #given: Float64Array | null;
  readonly #first: number;
  readonly #number: number;

  constructor(part: ColumnsPart, at: number, rows: number) {
    this.length = rows;
    this.#given = part.entities;
    this.#first = at;
    this.#number = part.first + at;
  }

  at(row: number): Entity {
    return this.#given
      ? (this.#given[this.#first + row] as Entity)
      : entityMake(this.#number + row, 1);
  }
}

function noWorld(job: string, what: string): never {
  throw new SkepError('E_UNSUPPORTED', `job "${job}" called ${what}: columns has no world`, {
    hint: 'run it as a system of a ParallelScheduler',
  });
}

/** What the job is called with. */
class BlockInput {
  readonly n: number;
  readonly dt: number;
  readonly time: number;
  readonly tick: number;
  readonly extra: unknown;
  readonly entities: EntityColumnView;
  readonly cols: Columns;
  readonly out: Columns;
  readonly #key: RandomKey;
  readonly #job: string;

  constructor(
    job: string,
    part: ColumnsPart,
    key: RandomKey,
    entities: Handles,
    views: { cols: Columns; out: Columns },
  ) {
    this.n = entities.length;
    this.dt = part.dt;
    this.time = part.time;
    this.tick = part.tick;
    this.extra = part.extra;
    this.entities = entities;
    this.cols = views.cols;
    this.out = views.out;
    this.#key = key;
    this.#job = job;
  }

  get eids(): Entity[] {
    return Array.from({ length: this.n }, (_, row) => this.entities.at(row));
  }

  // Properties, so that a job may take them out of its input by name.
  readonly spawn = (): never => noWorld(this.#job, 'spawn');
  readonly destroy = (): never => noWorld(this.#job, 'destroy');
  readonly put = (): never => noWorld(this.#job, 'put');
  readonly remove = (): never => noWorld(this.#job, 'remove');
  readonly send = (): never => noWorld(this.#job, 'send');
  readonly random = (entity: Entity, draw: number): number => randomAt(this.#key, entity, draw);
}

function runBlock(job: AnyJob, input: BlockInput): void {
  const returned = (job.handle as (input: unknown) => unknown)(input);
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
  const rows = job.split ? Math.min(BLOCK_ROWS, part.rows) : part.rows;
  const desk = new Desk(job, part, rows);
  const key = randomKey(part.seed, job.name, part.tick);
  for (let at = 0; at < part.rows; at += rows) {
    const count = Math.min(rows, part.rows - at);
    try {
      desk.load(at, count, !job.overwrite);
      const views = count === rows ? desk : desk.narrow(count);
      runBlock(job, new BlockInput(job.name, part, key, new Handles(part, at, count), views));
    } catch (error) {
      throw new BlockFault(job.split ? (part.first + at) / BLOCK_ROWS : null, error);
    }
    desk.store(at, count);
  }
  return { arrays: desk.arrays };
}

/** The buffers of a result, which move instead of being copied. */
export function resultBuffers(result: ColumnsResult): ArrayBuffer[] {
  return Object.values(result.arrays)
    .flatMap(fields => Object.values(fields))
    .map(array => array.buffer as ArrayBuffer);
}
