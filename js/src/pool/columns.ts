// SPDX-License-Identifier: MIT
// The caller's side of pool.columns: checks the arrays, cuts the rows into parts of whole blocks,
// and commits what came back, all or nothing. Arrays on shared memory are read where they lie; of
// others each part is copied. New values are written to fresh arrays and taken over at the end;
// only a job that overwrites what it does not read writes shared arrays directly.

import { SchemaError, SkepError } from '../errors.js';
import { infoOf, type AnyComponent, type FieldLayout, type Writes } from '../component.js';
import { EntityColumn } from '../entity.js';
import { isJob, type AnyJob } from '../job.js';
import {
  BLOCK_ROWS,
  arrayOf,
  buffersOf,
  componentsOf,
  elementsOf,
  isShared,
  type Arrays,
  type ColumnsPart,
  type ColumnsResult,
  type Plain,
} from './columns_run.js';
import { cloneFault, findUncloneable } from './faults.js';

/** The frame that a job over columns sees. */
export interface ColumnsFrame<X = unknown> {
  /** Rows. */
  readonly n: number;
  /** Seconds; 0 by default, as is all the rest. */
  readonly dt?: number | undefined;
  readonly time?: number | undefined;
  readonly tick?: number | undefined;
  /** Of the job's random numbers. */
  readonly seed?: number | undefined;
  readonly extra?: X | undefined;
  /** The rows' handles. Without them rows are numbered: entityMake(row, 1). */
  readonly entities?: ArrayLike<number> | undefined;
}

/** The frame, and by component name the arrays of its fields: of the field's type, with at least
 * n rows. They belong to the pool until the promise settles. */
export type ColumnsData<
  R extends readonly AnyComponent[],
  W extends readonly AnyComponent[],
  X,
> = ColumnsFrame<X> & { readonly [C in R[number] | W[number] as C['name']]: Writes<C> };

/** A part ready to be posted. */
export interface CutPart {
  readonly part: ColumnsPart;
  readonly buffers: readonly ArrayBuffer[];
}

/** Result arrays that are used again: fresh ones would cost a page fault every 4 KiB. */
export interface Spare {
  readonly rows: number;
  readonly arrays: Arrays;
}

const RESERVED = new Set(['n', 'dt', 'time', 'tick', 'seed', 'extra', 'entities']);

interface Given {
  readonly component: string;
  readonly field: string;
  readonly array: Plain;
  readonly elements: number;
  readonly shared: boolean;
  /** Old values go to the job. */
  readonly read: boolean;
  readonly written: boolean;
  /** The job writes straight into it. */
  readonly direct: boolean;
}

function checkArray(component: string, field: FieldLayout, value: unknown, n: number): Plain {
  const array = value instanceof EntityColumn ? value.words : value;
  const make = arrayOf(field);
  const say = (what: string, hint: string): SchemaError =>
    new SchemaError(`columns: ${component}.${field.name} ${what}`, component, field.name, { hint });
  if (!(array instanceof (make as never))) {
    const wanted = field.type === 'entity' ? 'EntityColumn' : make.name;
    throw say(
      value === undefined ? 'is missing' : `is no ${wanted}`,
      `pass ${component}: { ${field.name}: ${wanted} }`,
    );
  }
  const needed = n * elementsOf(field);
  if ((array as Plain).length < needed) {
    throw say(
      `has ${(array as Plain).length} elements, ${n} rows need ${needed}`,
      'make it longer, or n smaller',
    );
  }
  return array as Plain;
}

function checkFrame(job: AnyJob, data: ColumnsFrame): void {
  if (!isJob(job)) {
    throw new SkepError('E_ARGUMENT', 'columns needs a job that defineJob made');
  }
  const { n, entities } = data;
  if (!Number.isSafeInteger(n) || n < 0) {
    throw new SkepError('E_ARGUMENT', `columns: n is ${String(n)}, no number of rows`);
  }
  if (entities && entities.length < n) {
    throw new SkepError(
      'E_ARGUMENT',
      `columns: entities has ${entities.length} handles, n is ${n}`,
    );
  }
}

/** A call of columns: its arrays, checked. */
export class ColumnsCall {
  readonly job: AnyJob;
  readonly n: number;
  readonly #frame: ColumnsFrame;
  readonly #spares: Spare[];
  readonly #trusted: boolean;
  readonly #given: readonly Given[];
  readonly #extra: unknown;

  /** `spares` are result arrays of an earlier call, which this one may take. */
  constructor(job: AnyJob, data: ColumnsFrame, spares: Spare[], trusted: boolean) {
    checkFrame(job, data);
    this.job = job;
    this.n = data.n;
    this.#frame = data;
    this.#spares = spares;
    this.#trusted = trusted;
    this.#given = componentsOf(job).flatMap(component => this.#check(component));
    try {
      if (data.extra !== undefined) this.#extra = structuredClone(data.extra);
    } catch (error) {
      throw cloneFault('extra', { system: job.name }, error, findUncloneable(data.extra));
    }
  }

  #check(component: AnyComponent): Given[] {
    const info = infoOf(component);
    const { name } = info;
    if (info.object || RESERVED.has(name)) {
      throw new SchemaError(
        `columns: ${name} is ${info.object ? 'an object component' : 'the name of an option'}`,
        name,
        undefined,
        { hint: 'columns works on components with typed fields' },
      );
    }
    const fields = (this.#frame as unknown as Record<string, Record<string, unknown> | undefined>)[
      name
    ];
    const has = (list: readonly AnyComponent[]): boolean => list.some(c => c.name === name);
    const written = has(this.job.writes);
    const writesOnly = written && this.job.overwrite && !has(this.job.reads);
    return info.layout.map(field => {
      const array = checkArray(name, field, fields?.[field.name], this.n);
      const shared = isShared(array);
      return {
        component: name,
        field: field.name,
        array,
        elements: elementsOf(field),
        shared,
        read: !writesOnly,
        written,
        direct: writesOnly && shared,
      };
    });
  }

  /** Where each part begins: `parts` parts of whole blocks, fewer if there are not enough. */
  starts(parts: number): number[] {
    if (!this.n) return [];
    if (!this.job.split) return [0];
    const blocks = Math.ceil(this.n / BLOCK_ROWS);
    const count = Math.min(parts, blocks);
    return Array.from({ length: count }, (_, i) => Math.floor((i * blocks) / count) * BLOCK_ROWS);
  }

  /** Cuts the rows from `first` up to `end` out. On the caller nothing needs to be copied. */
  cut(first: number, end: number, here: boolean): CutPart {
    const spare = this.#takeSpare(end - first);
    const buffers = buffersOf(spare ?? {});
    const source: Record<string, Record<string, Plain>> = {};
    const direct: Record<string, Record<string, Plain>> = {};
    const own = <T extends Plain>(array: T): T => {
      const copy = array.slice() as T;
      buffers.push(copy.buffer as ArrayBuffer);
      return copy;
    };
    for (const g of this.#given) {
      const rows = g.array.subarray(first * g.elements, end * g.elements) as Plain;
      if (g.read) (source[g.component] ??= {})[g.field] = here || g.shared ? rows : own(rows);
      if (g.direct) (direct[g.component] ??= {})[g.field] = rows;
    }
    const { dt = 0, time = 0, tick = 0, seed = 0, entities } = this.#frame;
    const handles = entities
      ? Float64Array.from({ length: end - first }, (_, row) => entities[first + row]!)
      : null;
    return {
      buffers,
      part: {
        rows: end - first,
        first,
        dt,
        time,
        tick,
        seed,
        extra: here ? structuredClone(this.#extra) : this.#extra,
        entities: handles,
        source,
        owned: !here,
        trusted: this.#trusted,
        direct,
        spare,
      },
    };
  }

  #takeSpare(rows: number): Arrays | null {
    const at = this.#spares.findIndex(spare => spare.rows === rows);
    return at < 0 ? null : this.#spares.splice(at, 1)[0]!.arrays;
  }

  /** Takes a part's results over into the caller's arrays. */
  commit(first: number, result: ColumnsResult): void {
    for (const g of this.#given) {
      const fresh = g.written && !g.direct && result.arrays[g.component]?.[g.field];
      if (fresh) g.array.set(fresh as never, first * g.elements);
    }
  }
}
