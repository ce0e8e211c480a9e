// SPDX-License-Identifier: MIT
// Runs JavaScript jobs on an instance: the caller's, or a worker's. wasm calls in with the address
// of a task and of its pointers; the job gets columns over the same memory. What a job throws stops
// here and becomes the task's cause; so does a trap of a C job, with the stack set back.

import { ColumnCache, type ColumnSet } from '../core/columns.js';
import type { Imports, Instance } from '../core/instance.js';
import { CAUSE_BYTES, JOB_STACK_BYTES, POOL_TASK, RESULT, STATUS, TASK } from '../core/layout.js';
import { readStruct, writeStruct } from '../core/values.js';
import { EntityColumn, entityGeneration, type Entity } from '../entity.js';
import { LimitError, SchemaError, SkepError } from '../errors.js';
import type { AnyComponent, ComponentInfo } from '../component.js';
import type { Binding, BoundRight } from './binding.js';
import { Extra, NO_EXTRA } from './extra.js';
import { eventsAt, inboxAt } from './heard.js';

/** What a job did wrong, beside its text in wasm: for the report. */
export type FaultListener = (system: string, error: unknown, block: number) => void;

type Handler = (input: never) => unknown;

const encoder = new TextEncoder();
/** Bytes of a reason; the core keeps fewer. */
const CAUSE_MAX = 200;

/** The input of one job, made once and filled before each call. */
class Input {
  n = 0;
  dt = 0;
  time = 0;
  tick = 0;
  extra: unknown = undefined;
  cols: Record<string | number, ColumnSet | undefined> = {};
  out: Record<string, ColumnSet | undefined> = {};
  resources: Record<string, unknown> = {};
  events: Record<string, unknown> = {};
  inbox: Record<string, unknown> = {};
  /** Stands where columns were, once the call is over. */
  readonly #over: ColumnSet;
  readonly #runtime: JobRuntime;
  readonly #binding: Binding;
  readonly #columns: readonly {
    cache: ColumnCache;
    offset: number;
    name: string;
    cid: number;
    write: boolean;
  }[];
  readonly #scratch: number;
  #task = 0;
  #eids: Entity[] | null = null;
  #entities: EntityColumn | null = null;
  #spawned: number[] = [];

  constructor(runtime: JobRuntime, binding: Binding, scratch: number) {
    this.#runtime = runtime;
    this.#binding = binding;
    this.#scratch = scratch;
    this.#columns = binding.columns.map(c => ({
      cache: new ColumnCache(runtime.instance, c),
      offset: c.offset,
      name: c.name,
      cid: c.cid,
      write: c.write,
    }));
    this.#over = new Proxy<ColumnSet>({}, { get: () => this.#live() as never });
  }

  /** Points the input at a task. */
  aim(task: number, columns: number, extra: Extra): void {
    const { u32, f32, f64 } = this.#runtime.instance;
    const n = u32[task >> 2]!;
    this.n = n;
    this.dt = f32[(task + TASK.dt) >> 2]!;
    this.time = f64[(task + TASK.time) >> 3]!;
    this.tick = u32[(task + TASK.tick) >> 2]! + u32[(task + TASK.tick + 4) >> 2]! * 4294967296;
    this.extra = extra.get();
    this.#task = task;
    this.#eids = null;
    this.#entities = null;
    if (this.#spawned.length) this.#spawned = [];
    for (let i = 0; i < this.#columns.length; i++) {
      const c = this.#columns[i]!;
      const set = c.cache.get((columns + c.offset) >> 2, n);
      if (c.write) this.out[c.name] = set;
      else this.cols[c.name] = this.cols[c.cid] = set;
    }
    for (const resource of this.#binding.resources) {
      const at = u32[(columns + resource.offset) >> 2]!;
      this.resources[resource.name] = readStruct(
        this.#runtime.instance,
        resource as unknown as ComponentInfo,
        at,
      );
    }
    if (this.#binding.hears.length) this.#hear(columns);
  }

  #hear(columns: number): void {
    const { instance } = this.#runtime;
    for (const bound of this.#binding.hears) {
      this.events[bound.name] = eventsAt(instance, bound, columns + bound.events);
      if (bound.inbox < 0) continue;
      this.inbox[bound.name] = inboxAt(instance, bound, columns + bound.inbox, this.n);
    }
  }

  /** Ends a call: what the job kept of the input does nothing any more. */
  end(): void {
    this.#task = 0;
    for (let i = 0; i < this.#columns.length; i++) {
      const c = this.#columns[i]!;
      if (c.write) this.out[c.name] = this.#over;
      else this.cols[c.name] = this.cols[c.cid] = this.#over;
    }
  }

  get entities(): EntityColumn {
    if (!this.#entities) {
      const { u32, memory } = this.#runtime.instance;
      const at = u32[(this.#live() + TASK.entity) >> 2]!;
      this.#entities = new EntityColumn(new Uint32Array(memory.buffer, at, at ? 2 * this.n : 0));
    }
    return this.#entities;
  }

  get eids(): Entity[] {
    return (this.#eids ??= [...this.entities]);
  }

  #live(): number {
    if (!this.#task) {
      throw new SkepError(
        'E_ACCESS',
        `job "${this.#binding.job}" used its input after it returned`,
        { hint: 'a job is a function of its input, and done when it returns' },
      );
    }
    return this.#task;
  }

  #right(component: AnyComponent, kind: 'add' | 'remove'): BoundRight {
    const { name } = component;
    const right = this.#binding.rights.find(r => r.name === name);
    if (right && right[kind] >= 0) return this.#same(component, right);
    throw new SkepError('E_ACCESS', `job "${this.#binding.job}" may not ${kind} ${name}`, {
      hint: `defineJob({ puts: [${name}] })`,
    });
  }

  /** A value is written as its definition says, so that must be the one that the system has. */
  #same<T extends { readonly identity: string }>(component: AnyComponent, bound: T): T {
    if ((component as ComponentInfo).identity === bound.identity) return bound;
    throw new SchemaError(
      `job "${this.#binding.job}": ${component.name} is defined otherwise here `
        + 'than in the system',
      component.name,
    );
  }

  // Calls are properties of the input, so that a job may take them out of it by name.

  readonly spawn = (prefab?: { name: string }): Entity => {
    const { spawn, spawns, spawnMax, job } = this.#binding;
    const slot = prefab ? (spawns[prefab.name] ?? -1) : spawn;
    if (slot < 0) {
      throw new SkepError('E_ACCESS', `job "${job}" may not spawn ${prefab?.name ?? ''}`.trim(), {
        hint: prefab
          ? `defineJob({ spawns: [${prefab.name}] })`
          : 'defineJob({ spawnMax: the most entities that one call spawns })',
      });
    }
    const { ex, u32 } = this.#runtime.instance;
    ex['skep_job_spawn']!(this.#live(), slot, this.#scratch);
    const entity = u32[this.#scratch >> 2]! + u32[(this.#scratch >> 2) + 1]! * 4294967296;
    if (entity === 0) {
      throw new LimitError(
        `job "${job}" spawned more than its spawnMax of ${spawnMax}, or the world `
          + 'has no entity left',
        'spawnMax',
        spawnMax,
        spawnMax + 1,
        { hint: 'raise spawnMax of the job, or limits.entities of the world' },
      );
    }
    this.#spawned.push(entity);
    return entity as Entity;
  };

  readonly destroy = (entity: Entity): void => {
    if (this.#binding.destroy < 0) {
      throw new SkepError('E_ACCESS', `job "${this.#binding.job}" may not destroy`, {
        hint: 'defineJob({ destroys: true })',
      });
    }
    this.#runtime.instance.ex['skep_job_destroy']!(
      this.#live(),
      this.#binding.destroy,
      entity >>> 0,
      entityGeneration(entity),
    );
  };

  readonly put = (entity: Entity, component: AnyComponent, value?: object): void => {
    const { instance } = this.#runtime;
    const right = this.#right(component, 'add');
    writeStruct(instance, component as ComponentInfo, this.#scratch, value);
    if (entity === this.#spawned.at(-1) || this.#spawned.includes(entity)) {
      instance.ex['skep_job_init']!(
        this.#live(),
        right.address,
        entity >>> 0,
        entityGeneration(entity),
        this.#scratch,
      );
    } else {
      instance.ex['skep_job_put']!(
        this.#live(),
        right.add,
        entity >>> 0,
        entityGeneration(entity),
        this.#scratch,
      );
    }
  };

  readonly remove = (entity: Entity, component: AnyComponent): void => {
    const right = this.#right(component, 'remove');
    this.#runtime.instance.ex['skep_job_drop']!(
      this.#live(),
      right.remove,
      entity >>> 0,
      entityGeneration(entity),
    );
  };

  readonly send = (event: AnyComponent, to: Entity | 0, value: object): void => {
    const bound = this.#binding.events.find(e => e.name === event.name);
    if (!bound) {
      throw new SkepError('E_ACCESS', `job "${this.#binding.job}" may not send ${event.name}`, {
        hint: `defineJob({ emits: [${event.name}] })`,
      });
    }
    const { instance } = this.#runtime;
    writeStruct(instance, event as ComponentInfo, this.#scratch, value);
    instance.ex['skep_job_send']!(
      this.#live(),
      this.#same(event, bound).slot,
      to >>> 0,
      entityGeneration(to as Entity),
      this.#scratch,
    );
  };

  readonly random = (entity: Entity, draw: number): number => {
    return this.#runtime.instance.ex['skep_job_random']!(
      this.#live(),
      entity >>> 0,
      entityGeneration(entity),
      draw,
    );
  };
}

/** Calls a job. V8 compiles the only job of a program into its caller, and then its loop, which
 * shares registers with all else there, is half as fast; so the call meets others first. */
function invoke(handle: Handler, input: Input): unknown {
  return handle(input as never);
}
for (let i = 0; i < 40; i++) {
  for (const other of [() => 0, () => 1, () => 2, () => 3, () => 4]) {
    invoke(other, undefined as never);
  }
}

/** Where a thread stands: its slot in the pool (0 the caller), its memory for what went wrong, and
 * the ticket whose batch that belongs to. */
export interface Place {
  readonly slot: number;
  readonly causes: number;
  readonly ticket: number;
}

export class JobRuntime {
  readonly instance: Instance;
  readonly #place: Place;
  readonly #direct: (...args: number[]) => number;
  readonly #jobs: ({ input: Input; handle: Handler; binding: Binding } | undefined)[] = [];
  readonly #extras = new Map<number, Extra>();
  readonly #onFault: FaultListener;
  /** The stack pointer that the stack's limit was set for. */
  #stackAt = -1;
  #causesAt = 0;
  #batch = -1;

  constructor(instance: Instance, place: Place, onFault: FaultListener) {
    this.instance = instance;
    this.#place = place;
    this.#direct = instance.ex['skep_task_direct']!;
    this.#onFault = onFault;
    instance.imports.job = this.#call;
    instance.imports.guard = this.#guard;
  }

  /** Makes a job callable; `scratch` is memory of 2,048 bytes and more for single values. */
  add(binding: Binding, handle: Handler, scratch: number): void {
    this.#jobs[binding.id] = { input: new Input(this, binding, scratch), handle, binding };
  }

  remove(id: number): void {
    this.#jobs[id] = undefined;
    this.#extras.delete(id);
  }

  /** What `extra` gave for the coming frame; nobody else may have it. Also before `add`. */
  setExtra(id: number, extra: unknown): void {
    this.#extras.set(id, new Extra(extra));
  }

  /** Tells of a fault, and counts it first, so that the host knows that word of it comes. */
  #fault(system: string, error: unknown, block: number): void {
    Atomics.add(this.instance.i32, faultCount(this.#place.causes), 1);
    this.#onFault(system, error, block);
  }

  readonly #call: Imports['job'] = (id, task, columns, stack) => {
    const job = this.#jobs[id];
    if (!job) return this.cause(`no job of number ${id} is known to worker ${this.#place.slot}`);
    const input = job.input;
    try {
      input.aim(task, columns, this.#extras.get(id) ?? NO_EXTRA);
      const result = invoke(job.handle, input);
      input.end();
      if (result === undefined || result === null) return 0;
      if (typeof (result as PromiseLike<unknown>).then === 'function') {
        (result as Promise<unknown>).then(undefined, () => {});
        throw new SkepError(
          'E_JOB',
          `job "${job.binding.job}" returned a promise, but it is called `
            + 'once a block and cannot wait',
          { hint: 'defineJob({ split: false }) for async jobs' },
        );
      }
      return 0;
    } catch (error) {
      this.instance.ex.__stack_pointer.value = stack;
      input.end();
      const block = this.instance.u32[(task + TASK.block) >> 2]!;
      this.#fault(job.binding.system, error, block);
      return this.cause(describe(error));
    }
  };

  readonly #guard: Imports['guard'] = (task, job, flags, room, result, stack) => {
    if (stack !== this.#stackAt) this.#limitStack(stack);
    try {
      this.#direct(task, job, flags, room, result);
    } catch (error) {
      const { u32 } = this.instance;
      const text = describeTrap(this.instance, error);
      this.instance.ex.__stack_pointer.value = stack;
      u32[(result + RESULT.status) >> 2] = STATUS.FAULT;
      u32[(result + RESULT.cause) >> 2] = this.cause(text);
      u32[(result + RESULT.output) >> 2] = 0;
      u32[(result + RESULT.bytes) >> 2] = 0;
      u32[(result + RESULT.wanted) >> 2] = 0;
      this.#fault(this.instance.text(u32[job >> 2]!), error, u32[(task + POOL_TASK.block) >> 2]!);
    }
  };

  /** Gives jobs the same stack wherever they run. Files without checks have no limit to set. */
  #limitStack(stack: number): void {
    const limit = this.instance.ex.__stack_limit;
    if (limit) limit.value = stack - JOB_STACK_BYTES;
    this.#stackAt = stack;
  }

  /** Writes a text where wasm finds it until the batch is over; returns its address. */
  cause(text: string): number {
    const { u32, u8 } = this.instance;
    const batch = u32[(this.#place.ticket + 4) >> 2]! >>> 8;
    if (batch !== this.#batch) this.#causesAt = 0;
    this.#batch = batch;
    const bytes = encoder.encode(text).subarray(0, CAUSE_MAX);
    // Where there is no room for more, the last reasons give way; a report shows the first ones.
    const last = CAUSE_BYTES - 2 * CAUSE_MAX;
    if (this.#causesAt > last) this.#causesAt = last;
    const at = this.#place.causes + this.#causesAt;
    u8.set(bytes, at);
    u8[at + bytes.length] = 0;
    this.#causesAt += bytes.length + 1;
    return at;
  }
}

/** Where a thread counts the faults it told of, as an index of words: behind its causes. */
export function faultCount(causes: number): number {
  return (causes + CAUSE_BYTES) / 4 - 1;
}

/** What a fault's report says of something thrown: type and message, and where. Never throws. */
export function describe(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return `threw ${String(thrown)}`;
    const line = /\n\s+at (.*)/.exec(thrown.stack ?? '')?.[1];
    const at = line && !line.startsWith('wasm') ? ` at ${line}` : '';
    return `${thrown.name}: ${thrown.message}${at}`.replaceAll('\n', ' ');
  } catch {
    return 'threw something that has no text';
  }
}

/** The same for what came out of C code, to be called before the stack pointer is set back.
 * WebAssembly says no more than "unreachable": where the stack was at its end the pointer tells,
 * and a debug library keeps the text of the assertion that failed. */
export function describeTrap(instance: Instance, thrown: unknown): string {
  const text = describe(thrown);
  if (!(thrown instanceof WebAssembly.RuntimeError)) return text;
  const { ex } = instance;
  const limit = ex.__stack_limit;
  if (limit && (ex.__stack_pointer.value as number) < (limit.value as number)) {
    return (
      `stack overflow: it needs more than the ${JOB_STACK_BYTES >> 10} KiB of stack that a job `
      + `has (${text})`
    );
  }
  const asserted = ex['skep_host_asserted']?.() ?? 0;
  return asserted ? `${instance.text(asserted)} (${text})` : text;
}
