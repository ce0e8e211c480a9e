// SPDX-License-Identifier: MIT
// A world in wasm, one level above its exports: errors become exceptions, texts become strings, and
// definitions of components get an address there once. It knows neither entities' values nor
// systems; world.ts and scheduler.ts do.

import { infoOf, type AnyComponent, type ComponentInfo } from '../component.js';
import { LimitError, SchemaError, SkepError, type SkepErrorCode } from '../errors.js';
import { ColumnCache } from './columns.js';
import { createInstance, sharedMemoryAvailable, type CoreModule } from './core_module.js';
import type { Exports, Instance } from './instance.js';
import { KIND, STATUS, readLayout, type Layout } from './layout.js';
import type { Tracer } from './tracer.js';
import { writeStruct } from './values.js';

/** What a world may have at most. */
export interface Limits {
  /** Entities alive at once; 65,536 by default, 67,108,863 at most. */
  entities?: number;
}

export interface HostOptions {
  limits: Limits;
  seed: bigint;
  memoryMax: number;
  workersMax: number;
  core: CoreModule;
  /** false: memory of this realm alone. */
  shared?: boolean;
  /** Bytes of the memory that blocks cannot have; a quarter of it by default. */
  heap?: number;
}

/** A component, event, resource or input that this world knows. */
export interface Known {
  readonly info: ComponentInfo;
  /** The description in wasm. */
  readonly address: number;
  /** The world's number of the component. */
  readonly number: number;
  readonly cache: ColumnCache;
  /** The C struct of a value of which nothing is given: defaults, else zeros. */
  readonly initial: Uint32Array;
}

const CODES: Readonly<Record<number, SkepErrorCode>> = {
  [STATUS.NO_MEMORY]: 'E_NO_MEMORY',
  [STATUS.LIMIT]: 'E_LIMIT',
  [STATUS.ARGUMENT]: 'E_ARGUMENT',
  [STATUS.NOT_FOUND]: 'E_ARGUMENT',
  [STATUS.GONE]: 'E_GONE',
  [STATUS.EXISTS]: 'E_ARGUMENT',
  [STATUS.CORRUPT]: 'E_CORRUPT',
  [STATUS.FOREIGN]: 'E_CORRUPT',
  [STATUS.VERSION]: 'E_CORRUPT',
  [STATUS.SCHEMA]: 'E_SCHEMA',
  [STATUS.BUSY]: 'E_BUSY',
  [STATUS.PLAN]: 'E_PLAN',
  [STATUS.FAULT]: 'E_JOB',
  [STATUS.CLOSED]: 'E_CLOSED',
  [STATUS.ACCESS]: 'E_ACCESS',
};

const encoder = new TextEncoder();

export class Host {
  readonly core: CoreModule;
  readonly instance: Instance;
  readonly ex: Exports;
  readonly address: number;
  /** Index of the first io word in `instance.u32`. */
  readonly io: number;
  readonly layout: Layout;
  readonly entityMax: number;
  readonly workersMax: number;
  readonly memoryMax: number;
  readonly #known = new Map<string, Known>();
  readonly #names = new Map<string, Known>();
  /** By the id of the definition. */
  readonly #byId: (Known | undefined)[] = [];
  #closed = false;
  #users = 0;
  /** Where frames are traced; null: they are not. */
  tracer: Tracer | null = null;
  /** Memory for texts and single values that calls are given: as large as any known value. */
  scratch: number;
  #scratchBytes = 4096;

  constructor(options: HostOptions) {
    this.core = options.core;
    this.memoryMax = options.memoryMax;
    this.entityMax = options.limits.entities ?? 65536;
    this.workersMax = options.workersMax;
    const shared = options.shared ?? sharedMemoryAvailable();
    this.instance = createInstance(this.core, shared, options.memoryMax);
    const ex = (this.ex = this.instance.ex);
    const low = Number(options.seed & 0xffffffffn);
    const high = Number((options.seed >> 32n) & 0xffffffffn);
    this.address = ex['skep_host_open']!(
      this.entityMax,
      low,
      high,
      this.instance.pages,
      options.workersMax,
      Math.ceil((options.heap ?? 0) / 65536),
    );
    this.io = this.address >> 2;
    if (!this.address || this.instance.u32[this.io] !== 0) this.#refuse(options);
    this.layout = readLayout(this.instance.u32, this.io + 1);
    this.scratch = this.alloc(this.#scratchBytes);
  }

  #refuse(options: HostOptions): never {
    const why = this.address
      ? this.instance.text(this.ex['skep_host_error']!(this.address))
      : 'not even the bookkeeping of a world fits into its memory';
    throw new LimitError(
      `memoryMax: ${why}`,
      'memoryMax',
      options.memoryMax,
      options.memoryMax * 2,
      { hint: 'new World({ memoryMax: bytes }), or fewer limits.entities' },
    );
  }

  /** Frees the instance for another world, once no other thread looks at its memory. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.instance.sink = null;
    if (!this.#users) this.core.idle.push(this.instance);
  }

  /** Other threads have the memory from now on, */
  use(): void {
    this.#users++;
  }

  /** and now not any more. */
  unuse(): void {
    if (!--this.#users && this.#closed) this.core.idle.push(this.instance);
  }

  get closed(): boolean {
    return this.#closed;
  }

  // ---- calls -----------------------------------------------------------------------------------

  /** Calls an export whose first argument is the host and that returns a status. */
  call(name: string, ...args: number[]): void {
    const status = this.ex[name]!(this.address, ...args);
    if (status !== STATUS.OK) throw this.error(status);
  }

  /** The last failure as an exception. */
  error(status: number): SkepError {
    const text = this.instance.text(this.ex['skep_host_error']!(this.address));
    if (status === STATUS.LIMIT && text.includes('entity_max')) {
      const limit = this.entityMax;
      return new LimitError(
        `${(limit + 1).toLocaleString('en')}th entity, entities is ` + limit.toLocaleString('en'),
        'entities',
        limit,
        limit + 1,
        { hint: 'new World({ limits: { entities: ... } })' },
      );
    }
    if (status === STATUS.NO_MEMORY) {
      return new LimitError(
        `memoryMax is ${this.memoryMax >> 20} MiB: ${text}`,
        'memoryMax',
        this.memoryMax,
        this.memoryMax * 2,
        { hint: 'new World({ memoryMax: bytes })' },
      );
    }
    if (status === STATUS.LIMIT) {
      const knob = /\b([a-z]+(?:_[a-z]+)+)\b/.exec(text)?.[1] ?? 'limit';
      return new LimitError(text, knob, 0, 0);
    }
    if (status === STATUS.SCHEMA) return new SchemaError(text, '');
    return new SkepError(CODES[status] ?? 'E_ARGUMENT', text);
  }

  /** A word that the last call left in io. */
  word(at: number): number {
    return this.instance.u32[this.io + at]!;
  }

  /** A 64-bit number in io, as a double. */
  wide(at: number): number {
    return this.word(at) + this.word(at + 1) * 4294967296;
  }

  // ---- memory ----------------------------------------------------------------------------------

  /** Memory of the host's heap. Throws LimitError (memoryMax). */
  alloc(bytes: number): number {
    const address = this.ex['skep_host_alloc']!(this.address, bytes);
    if (!address) {
      throw new LimitError(
        `memoryMax is ${this.memoryMax >> 20} MiB: ${bytes} more bytes do not ` + 'fit',
        'memoryMax',
        this.memoryMax,
        this.memoryMax * 2,
        { hint: 'new World({ memoryMax: bytes })' },
      );
    }
    return address;
  }

  free(address: number, bytes: number): void {
    this.ex['skep_host_free']!(this.address, address, bytes);
  }

  /** Runs `use` with texts in memory: the address of each, ended by a zero, and its bytes. */
  withTexts<T>(texts: readonly string[], use: (at: readonly [number, number][]) => T): T {
    const encoded = texts.map(text => encoder.encode(text));
    const bytes = encoded.reduce((sum, e) => sum + e.length + 1, 1);
    const block = bytes <= 2048 ? this.scratch : this.alloc(bytes);
    let at = block;
    const places = encoded.map((e): [number, number] => {
      this.instance.u8.set(e, at);
      this.instance.u8[at + e.length] = 0;
      at += e.length + 1;
      return [at - e.length - 1, e.length];
    });
    try {
      return use(places);
    } finally {
      if (block !== this.scratch) this.free(block, bytes);
    }
  }

  // ---- log -------------------------------------------------------------------------------------

  /** Takes what the core has logged: level (0 debug to 3 error) and text. A line that does not
   * begin with a level goes on with the text before. */
  takeLog(): { level: number; text: string }[] {
    if (this.instance.u32[this.layout.logUsed >> 2] === 0) return [];
    this.ex['skep_host_log']!(this.address);
    const entries: { level: number; text: string }[] = [];
    for (const line of this.instance.textOf(this.word(0), this.word(1)).split('\n')) {
      const last = entries.at(-1);
      if (/^[0-3]/.test(line)) entries.push({ level: Number(line[0]), text: line.slice(1) });
      else if (line && last) last.text += `\n${line}`;
    }
    return entries;
  }

  // ---- definitions -----------------------------------------------------------------------------

  /** The component in this world, defined there when it is first used. Throws SchemaError when one
   * of its name has another layout. */
  known(component: AnyComponent): Known {
    // Two copies of this package in one program have numbers of their own: the definition counts.
    const known = this.#byId[component?.id];
    return known !== undefined && known.info === component ? known : this.#lookUp(component);
  }

  #lookUp(component: AnyComponent): Known {
    const info = infoOf(component);
    return this.#known.get(info.identity) ?? this.#define(info);
  }

  /** As `known`; throws SchemaError for an event, a resource or an input. */
  component(component: AnyComponent): Known {
    const known = this.known(component);
    if (known.info.kind !== undefined) wrongKind(known.info, KIND.component);
    return known;
  }

  /** As `known`; throws SchemaError for what is not of that kind. */
  message(component: AnyComponent, kind: number): Known {
    const known = this.known(component);
    if (known.info.kind !== kind) wrongKind(known.info, kind);
    return known;
  }

  /** What is known under a name, or undefined. */
  named(name: string): Known | undefined {
    return this.#names.get(name);
  }

  /** All that is known. */
  all(): IterableIterator<Known> {
    return this.#known.values();
  }

  #define(info: ComponentInfo): Known {
    const same = this.#names.get(info.name);
    if (same && same.info.object !== info.object) {
      throw new SchemaError(
        `component "${info.name}" has typed columns in one definition and ` + 'none in another',
        info.name,
        undefined,
        { hint: 'give one of them another name' },
      );
    }
    const initial = this.#initial(info);
    const address = this.#describe(info);
    if (!address) {
      const text = this.instance.text(this.ex['skep_host_error']!(this.address));
      throw new SchemaError(`component "${info.name}": ${text}`, info.name);
    }
    const known: Known = {
      info,
      address,
      number: this.word(0),
      initial,
      cache: new ColumnCache(this.instance, info),
    };
    this.#known.set(info.identity, known);
    if (info.kind === undefined) this.#names.set(info.name, known);
    this.#byId[info.id] = known;
    return known;
  }

  /** Checks the defaults before the world hears of the component. */
  #initial(info: ComponentInfo): Uint32Array {
    if (info.size > this.#scratchBytes) {
      const larger = this.alloc(info.size);
      this.free(this.scratch, this.#scratchBytes);
      this.scratch = larger;
      this.#scratchBytes = info.size;
    }
    writeStruct(this.instance, info, this.scratch, undefined);
    return this.instance.u32.slice(this.scratch >> 2, (this.scratch + info.size + 3) >> 2);
  }

  #describe(info: ComponentInfo): number {
    const { u32 } = this.instance;
    const texts = [info.name, ...info.layout.map(field => field.name)];
    return this.withTexts(texts, places => {
      info.layout.forEach((field, f) => {
        const [at, bytes] = places[f + 1]!;
        u32.set([field.code, field.size, field.count, field.offset, at, bytes], this.io + 6 * f);
      });
      const [name, bytes] = places[0]!;
      return this.ex['skep_host_define']!(
        this.address,
        name,
        bytes,
        info.kind ?? KIND.component,
        (info.size << 8) | info.align,
        info.layout.length,
      );
    });
  }
}

const KINDS = ['component', 'event', 'resource', 'input'];

function wrongKind(info: ComponentInfo, wanted: number): never {
  throw new SchemaError(
    `"${info.name}" is of the kind ${KINDS[info.kind ?? 0]}, not ` + `${KINDS[wanted]}`,
    info.name,
    undefined,
    { hint: `define it by define${KINDS[wanted]![0]!.toUpperCase()}${KINDS[wanted]!.slice(1)}` },
  );
}
