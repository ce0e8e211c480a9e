// SPDX-License-Identifier: MIT
// Systems as users describe them, and what the plan in wasm is told of them.

import type { AnyComponent, EventType } from './component.js';
import type { Host, Known } from './core/host.js';
import { JOB_HANDED, JOB_JS, JOB_LATE, JOB_MAY_FAIL, JOB_UNSPLIT, MODE } from './core/layout.js';
import { SkepError } from './errors.js';
import type { AnyJob } from './job.js';
import type {
  Binding,
  BoundColumns,
  BoundMessage,
  BoundRight,
  BoundValue,
  Use,
} from './executor/binding.js';
import type { WholeBinding, WholeBuffers, WholeComponent } from './executor/whole_job.js';
import { partComponent, type Prefab } from './prefab.js';
import type { Commands, World } from './world.js';

/** What a system's function gets. */
export interface SystemContext {
  readonly world: World;
  readonly dt: number;
  readonly time: number;
  readonly tick: number;
  readonly stage: string;
  readonly resources: Map<string, unknown>;
  /** The notes' command list; the world's own calls do the same. */
  readonly cmd: Commands;
}

/** When a system runs. */
export interface When<X = unknown> {
  /** "startup" (once), "input", "update", "late", "render", "cleanup", or one of the scheduler's
   * own. "update" by default. */
  stage?: string;
  /** Systems that run before it, or after it. */
  after?: string | readonly string[];
  before?: string | readonly string[];
  /** Runs in frames whose tick is a multiple of it. */
  every?: number;
  /** false: does not run until it is enabled. */
  enabled?: boolean;
  /** Milliseconds for one task; the scheduler's by default. 0: any time. */
  deadlineMs?: number;
  /** A value for the job, made anew each frame; whatever can be cloned. */
  extra?: (context: SystemContext) => X;
  /** Does the work when the job failed. */
  run?: (context: SystemContext) => void | Promise<void>;
  /** Of the job's name by default. */
  name?: string;
}

/** The notes' way to say that a system's work is a job elsewhere. */
export interface OffloadSpec {
  /** Node: the job's module, a URL or path, that exports `handle(input)` or a default. */
  nodeModule?: string | URL;
  /** Browser: the name in `browserWorkers`, or of a served job. */
  browserJobName?: string;
  reads: readonly AnyComponent[];
  writes?: readonly AnyComponent[];
  extra?: (context: SystemContext) => unknown;
  /** The most `spawn` patches a frame; 256 by default. */
  spawnMax?: number;
}

/** A system by the notes' names. */
export interface SystemSpec {
  name: string;
  stage?: string;
  after?: string | readonly string[];
  before?: string | readonly string[];
  every?: number;
  enabled?: boolean;
  deadlineMs?: number;
  /** Which entities the job gets; what `reads` and `writes` name by default. */
  query?: (world: World) => {
    all?: readonly AnyComponent[];
    any?: readonly AnyComponent[];
    none?: readonly AnyComponent[];
  };
  offload?: OffloadSpec;
  /** What `run` uses. Without it the system conflicts with all others; with it anything else that
   * it writes is an error. */
  reads?: readonly AnyComponent[];
  writes?: readonly AnyComponent[];
  /** `run` may spawn and destroy though it declared what it uses. */
  spawns?: boolean;
  destroys?: boolean;
  /** Neither the job nor `run` is called while no entity matches. */
  skipIfEmpty?: boolean;
  run?: (context: SystemContext) => void | Promise<void>;
}

/** One registered system. */
export interface System {
  readonly id: number;
  readonly name: string;
  readonly stage: string;
  readonly after: readonly string[];
  readonly before: readonly string[];
  readonly every: number;
  readonly deadlineMs: number | undefined;
  readonly job: AnyJob | null;
  readonly offload: OffloadSpec | null;
  readonly query: SystemSpec['query'];
  readonly declared: Pick<SystemSpec, 'reads' | 'writes' | 'spawns' | 'destroys'>;
  readonly skipIfEmpty: boolean;
  readonly extra: ((context: SystemContext) => unknown) | null;
  readonly run: ((context: SystemContext) => void | Promise<void>) | null;
  enabled: boolean;
  /** There is nowhere that its job can run: its `run` is all there is. */
  runOnly: boolean;
  /** The plan has it, as `runOnly` says. */
  planned: boolean;
  /** Its place in the total order. */
  place: number;
  /** Why `extra` gave nothing for this frame. */
  extraFault: { readonly error: unknown } | null;
  /** Of a job whose task the caller must run. */
  here: boolean;
  binding: Binding | null;
  whole: WholeBinding | null;
  /** Memory of a job that gets all rows. */
  buffers: WholeBuffers | null;
  /** Address of the job in wasm. */
  jobAt: number;
  lastExtra: unknown;
  extraKnown: boolean;
}

function names(list: string | readonly string[] | undefined): readonly string[] {
  return list === undefined ? [] : typeof list === 'string' ? [list] : list;
}

/** Makes a system of what `register` was given. */
export function makeSystem(id: number, what: AnyJob | SystemSpec, when: When): System {
  const job = 'handle' in what ? (what as AnyJob) : null;
  const spec = job ? null : (what as SystemSpec);
  const source: When & Partial<SystemSpec> = spec ?? when;
  const name = when.name ?? what.name;
  if (typeof name !== 'string' || !name) {
    throw new SkepError('E_ARGUMENT', 'a system has no name', { hint: 'give it one: name' });
  }
  const run = source.run ?? null;
  if (!job && !spec!.offload && !run) {
    throw new SkepError('E_ARGUMENT', `system "${name}" has neither a job nor a run`, {
      hint: 'register(job), or { name, run } or { name, offload }',
    });
  }
  return {
    id,
    name,
    stage: source.stage ?? 'update',
    after: names(source.after),
    before: names(source.before),
    every: source.every ?? 1,
    deadlineMs: source.deadlineMs,
    job,
    offload: spec?.offload ?? null,
    query: spec?.query,
    declared: {
      ...(spec?.reads && { reads: spec.reads }),
      ...(spec?.writes && { writes: spec.writes }),
      ...(spec?.spawns && { spawns: true }),
      ...(spec?.destroys && { destroys: true }),
    },
    skipIfEmpty: spec?.skipIfEmpty ?? false,
    extra: when.extra ?? spec?.offload?.extra ?? null,
    run,
    enabled: source.enabled ?? true,
    runOnly: false,
    planned: false,
    place: 0,
    extraFault: null,
    here: false,
    binding: null,
    whole: null,
    buffers: null,
    jobAt: 0,
    lastExtra: undefined,
    extraKnown: false,
  };
}

/** Whether the job is called once with all rows. */
export function isWholeJob(job: AnyJob): boolean {
  const objects = [...job.reads, ...job.writes].some(
    c => (c as { fields: unknown }).fields === null,
  );
  return !job.split || objects;
}

/** The access table, gathered line by line. */
class Uses {
  readonly list: Use[] = [];
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  add(component: AnyComponent | null, mode: number): number {
    return this.addAt(component ? this.#host.known(component).address : 0, mode);
  }

  /** Adds what is described at an address. */
  addAt(address: number, mode: number): number {
    const same = this.list.findIndex(use => use.address === address && use.mode === mode);
    return same >= 0 ? same : this.list.push({ address, mode }) - 1;
  }
}

/** What wasm is told of a system's job or run. */
export interface Access {
  readonly uses: readonly Use[];
  readonly jobFlags: number;
  readonly spawnMax: number;
  readonly overwrite: boolean;
  /** Made when wasm has said where the pointers are. */
  bind(offsets: readonly number[]): void;
}

const NO_JOB = 0xffffffff;

function union(a: readonly AnyComponent[], b: readonly AnyComponent[]): AnyComponent[] {
  return [...a, ...b.filter(component => !a.includes(component))];
}

function columnsOf(known: Known, offset: number, write: boolean): BoundColumns {
  return { name: known.info.name, cid: known.info.id, layout: known.info.layout, offset, write };
}

function isObject(component: AnyComponent): boolean {
  return (component as { fields: unknown }).fields === null;
}

/** What jobs of both kinds use beside columns. */
interface Beside {
  readonly resources: readonly EventType[];
  readonly emits: readonly EventType[];
  readonly hears: readonly EventType[];
  readonly spawns: readonly Prefab[];
  readonly spawnMax: number;
  readonly destroys: boolean;
}

/** Their places in the access table. */
class BesidePlaces {
  readonly resources: readonly (readonly [EventType, number])[];
  readonly emits: readonly (readonly [EventType, number])[];
  readonly #hears: readonly (readonly [EventType, number, number])[];
  readonly spawn: number;
  readonly spawns: Record<string, number> = {};
  readonly destroy: number;
  readonly #host: Host;

  /** `rows`: the job has rows, so that events can be addressed to them. */
  constructor(world: World, uses: Uses, job: Beside, rows: boolean) {
    this.#host = world.host;
    this.resources = job.resources.map(r => [r, uses.add(r, MODE.res)] as const);
    this.emits = job.emits.map(e => [e, uses.add(e, MODE.emit)] as const);
    this.#hears = job.hears.map(
      e => [e, uses.add(e, MODE.events), rows ? uses.add(e, MODE.inbox) : -1] as const,
    );
    this.spawn = job.spawnMax > 0 ? uses.add(null, MODE.spawn) : -1;
    for (const prefab of job.spawns) {
      if (prefab.parts.some(part => isObject(partComponent(part)))) {
        throw new SkepError(
          'E_ARGUMENT',
          `prefab "${prefab.name}" has values of object components: ` + 'jobs cannot spawn it',
        );
      }
      this.spawns[prefab.name] = uses.addAt(world.prefabAddress(prefab), MODE.spawn);
    }
    this.destroy = job.destroys ? uses.add(null, MODE.destroy) : -1;
  }

  hears(offsets: readonly number[]): BoundMessage[] {
    return this.#hears.map(([e, events, inbox]) => {
      const { info } = this.#host.known(e);
      return {
        name: info.name,
        layout: info.layout,
        events: offsets[events]!,
        inbox: inbox < 0 ? -1 : offsets[inbox]!,
      };
    });
  }
}

/** The access of a job that is called once a block. */
function splitAccess(world: World, system: System, job: AnyJob): Access {
  const { host } = world;
  const uses = new Uses(host);
  const reads: readonly AnyComponent[] = job.overwrite ? job.reads : union(job.reads, job.writes);
  const place = (c: AnyComponent, mode: number): [AnyComponent, number] => [c, uses.add(c, mode)];
  const read = reads.map(c => place(c, MODE.in));
  const write = (job.writes as readonly AnyComponent[]).map(c => place(c, MODE.out));
  for (const c of job.with) uses.add(c, MODE.with);
  for (const c of job.not) uses.add(c, MODE.not);
  const puts = job.puts.map((c): [AnyComponent, number, number] => [
    c,
    uses.add(c, MODE.add),
    uses.add(c, MODE.remove),
  ]);
  const beside = new BesidePlaces(
    world,
    uses,
    job,
    read.length + write.length + job.with.length > 0,
  );
  return {
    uses: uses.list,
    jobFlags: JOB_JS | JOB_MAY_FAIL,
    spawnMax: job.spawnMax,
    overwrite: job.overwrite,
    bind(offsets) {
      const columns = [
        ...read.map(([c, at]) => columnsOf(host.known(c), offsets[at]!, false)),
        ...write.map(([c, at]) => columnsOf(host.known(c), offsets[at]!, true)),
      ];
      const rights = puts.map(([c, add, remove]): BoundRight => {
        const { info, address } = host.known(c);
        return { name: info.name, identity: info.identity, address, add, remove };
      });
      const value = ([c, at]: readonly [EventType, number]): BoundValue => {
        const { info } = host.known(c);
        return {
          name: info.name,
          identity: info.identity,
          layout: info.layout,
          offset: offsets[at]!,
          slot: at,
        };
      };
      system.binding = {
        id: system.id,
        system: system.name,
        job: job.name,
        module: job.module,
        columns,
        rights,
        spawn: beside.spawn,
        spawns: beside.spawns,
        spawnMax: job.spawnMax,
        destroy: beside.destroy,
        resources: beside.resources.map(value),
        events: beside.emits.map(value),
        hears: beside.hears(offsets),
      };
    },
  };
}

interface WholeSpec extends Beside {
  readonly reads: readonly AnyComponent[];
  readonly writes: readonly AnyComponent[];
  readonly puts: readonly AnyComponent[];
  readonly with: readonly AnyComponent[];
  readonly any: readonly AnyComponent[];
  readonly not: readonly AnyComponent[];
  readonly overwrite: boolean;
  readonly notes: boolean;
  /** All reads and writes choose the rows. */
  readonly rows: readonly AnyComponent[];
}

/** The access of a job that is called once with all rows. Whatever it writes is declared as
 * written, so that two such systems never share a batch: columns as new ones beside the old,
 * objects, of which wasm knows only that they are there, as if they had columns. */
function wholeAccess(world: World, system: System, spec: WholeSpec): Access {
  const { host } = world;
  const uses = new Uses(host);
  const any = spec.any.length > 0;
  const places = union(spec.reads, spec.writes).map(c => {
    const rows = !any && spec.rows.includes(c);
    const typed = !isObject(c) && host.known(c).info.layout.length > 0;
    const written = spec.writes.includes(c);
    if (written && isObject(c)) uses.add(c, MODE.mut);
    const out = written && typed ? uses.add(c, MODE.out) : -1;
    const readMode = out < 0 && !rows ? MODE.lookup : typed ? MODE.in : MODE.with;
    return { c, rows, read: uses.add(c, readMode), out };
  });
  for (const c of any ? [] : spec.with) uses.add(c, MODE.with);
  for (const c of any ? [] : spec.not) uses.add(c, MODE.not);
  const puts = spec.notes ? spec.writes : union(spec.puts, spec.writes.filter(isObject));
  const rights = new Map(
    puts.map(c => [c, { add: uses.add(c, MODE.add), remove: uses.add(c, MODE.remove) }]),
  );
  const beside = new BesidePlaces(world, uses, spec, places.some(p => p.rows) && !any);
  // Any of the notes' jobs may destroy; were that ordered, no two of them would run at a time.
  const jobFlags = JOB_JS | JOB_MAY_FAIL | JOB_UNSPLIT | JOB_HANDED | (spec.notes ? JOB_LATE : 0);
  return {
    uses: uses.list,
    jobFlags,
    spawnMax: spec.spawnMax,
    overwrite: spec.overwrite,
    bind(offsets) {
      const components = places.map((p): WholeComponent => ({
        known: host.known(p.c),
        read: offsets[p.read]!,
        out: p.out < 0 ? -1 : offsets[p.out]!,
        add: rights.get(p.c)?.add ?? -1,
        remove: rights.get(p.c)?.remove ?? -1,
        shown: true,
      }));
      for (const [c, right] of rights) {
        if (places.some(p => p.c === c)) continue;
        components.push({ known: host.known(c), read: -1, out: -1, ...right, shown: false });
      }
      system.whole = {
        id: system.id,
        system: system.name,
        components,
        spawn: beside.spawn,
        spawns: beside.spawns,
        destroy: beside.destroy,
        resources: beside.resources.map(([r, at]) => ({
          known: host.known(r),
          offset: offsets[at]!,
        })),
        emits: beside.emits.map(([e, slot]) => ({ known: host.known(e), slot })),
        hears: beside.hears(offsets),
        overwrite: spec.overwrite,
        notes: spec.notes,
        query:
          any || places.some(p => !p.rows)
            ? { with: spec.rows, any: spec.any, not: spec.not }
            : null,
        writes: spec.writes.map(c => c.id),
      };
    },
  };
}

function offloadSpec(world: World, system: System): WholeSpec {
  const offload = system.offload!;
  const writes = offload.writes ?? [];
  const query = system.query?.(world);
  const all = query ? (query.all ?? []) : union(offload.reads, writes);
  return {
    reads: offload.reads,
    writes,
    puts: [],
    with: all.filter(c => !offload.reads.includes(c) && !writes.includes(c)),
    any: query?.any ?? [],
    not: query?.none ?? [],
    spawnMax: offload.spawnMax ?? 256,
    spawns: [],
    resources: [],
    emits: [],
    hears: [],
    destroys: true,
    overwrite: false,
    notes: true,
    rows: all,
  };
}

function jobSpec(job: AnyJob): WholeSpec {
  const {
    reads,
    writes,
    puts,
    not,
    spawnMax,
    spawns,
    resources,
    emits,
    hears,
    destroys,
    overwrite,
  } = job;
  return {
    reads,
    writes,
    puts,
    with: job.with,
    any: [],
    not,
    spawnMax,
    spawns,
    resources,
    emits,
    hears,
    destroys,
    overwrite,
    notes: false,
    rows: union(reads, writes),
  };
}

/** The access of a system on the main thread; null: it did not say. */
function runAccess(host: Host, system: System): Access | null {
  const { reads, writes, spawns, destroys } = system.declared;
  if (!reads && !writes) return null;
  const uses = new Uses(host);
  for (const c of reads ?? []) if (!writes?.includes(c)) uses.add(c, MODE.in);
  for (const c of writes ?? []) {
    uses.add(c, isObject(c) || host.known(c).info.layout.length ? MODE.mut : MODE.with);
    uses.add(c, MODE.add);
    uses.add(c, MODE.remove);
  }
  if (spawns) uses.add(null, MODE.spawn);
  if (destroys) uses.add(null, MODE.destroy);
  return { uses: uses.list, jobFlags: NO_JOB, spawnMax: 0, overwrite: false, bind() {} };
}

/** What wasm is to be told; null: a run that did not say what it uses. */
export function accessOf(world: World, system: System): Access | null {
  const host = world.host;
  if (system.runOnly) return runAccess(host, system);
  if (system.job) {
    return isWholeJob(system.job)
      ? wholeAccess(world, system, jobSpec(system.job))
      : splitAccess(world, system, system.job);
  }
  return system.offload
    ? wholeAccess(world, system, offloadSpec(world, system))
    : runAccess(host, system);
}

export { NO_JOB };
