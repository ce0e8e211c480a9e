// SPDX-License-Identifier: MIT
// The scheduler: systems, their order, and frames, driven from JavaScript.
//
// The plan and the frame's state machine are the core's. wasm goes on with a frame until there is
// something that only JavaScript can do (call a system's function, run a job that gets all rows,
// wait for workers); this file does that and comes back. A synchronous tick and an asynchronous
// frame are the same generator: it yields promises, which the one refuses and the other awaits.

import { STATUS, JOB, JOB_HANDED, RESULT, SLOT } from './core/layout.js';
import type { Host } from './core/host.js';
import {
  ClosedError,
  JobError,
  LimitError,
  PlanError,
  SkepError,
  type FaultAction,
  type SkepErrorCode,
} from './errors.js';
import { CopiedExecutor } from './executor/copied.js';
import {
  LocalExecutor,
  callerPlace,
  type Executor,
  type ExecutorKind,
  type HandedTask,
} from './executor/executor.js';
import { JobRuntime, describe, describeTrap } from './executor/job_runtime.js';
import { SharedExecutor } from './executor/shared.js';
import { WholeTasks, placeOf, preload, type Thrown } from './executor/whole_tasks.js';
import { type AnyJob, type Job } from './job.js';
import type { AnyComponent } from './component.js';
import {
  createPortablePool,
  type CloseOptions,
  type PoolOptions,
  type PortablePool,
} from './pool/pool.js';
import { coreCount } from './pool/env.js';
import { copyFault } from './pool/faults.js';
import { Loop, type LoopOptions } from './loop.js';
import type { Scene } from './scene.js';
import {
  NO_JOB,
  accessOf,
  isWholeJob,
  makeSystem,
  type System,
  type SystemContext,
  type SystemSpec,
  type When,
} from './system.js';
import { SchedulerTrace, type TraceOptions } from './tracing.js';
import { Commands, type FrameHook, type World } from './world.js';

export interface SchedulerOptions extends Omit<PoolOptions, 'executor' | 'deadlineMs'> {
  /** 'auto': workers where they can be had, on shared memory where that is; else in process, and a
   * fallback says why. The others fail instead. */
  executor?: 'auto' | ExecutorKind;
  /** Milliseconds for one task where it can be ended: 1,000 by default, 0 is any time. */
  deadlineMs?: number;
  /** Whether the inputs of jobs are compared around each call, and the job that changed them is
   * named: true in development; 'sample' (the default in process) checks a system's first frames
   * and one in 64; false never. Changes no results. */
  check?: boolean | 'sample';
  /** 0: the smallest batch goes to workers too. */
  grain?: number;
  /** Names of the stages, in order. */
  stages?: readonly string[];
  /** 'report' (the default): faults are in the frame's report and in the log. 'throw': the frame
   * also rejects, when it is over. Or a function that gets each, as on('fault') does; what it
   * throws, the frame rejects with. */
  onFault?: 'report' | 'throw' | ((fault: JobError) => void);
  /** Takes lines of the core and of jobs: level 0 (debug) to 3 (error). By default warnings and
   * errors go to the console. */
  log?: (level: number, text: string) => void;
  /** Traces frames from the first one on; see scheduler.trace(). Off by default. */
  trace?: boolean | TraceOptions;
}

export interface FrameReport {
  readonly frame: number;
  readonly batches: number;
  readonly systems: number;
  readonly tasks: number;
  readonly reruns: number;
  readonly retries: number;
  readonly rows: number;
  readonly blocksCopied: number;
  readonly patches: number;
  readonly blocksInPlace: number;
  /** Patches and commands for entities that were gone. */
  readonly dropped: number;
  /** Calls for a frame while one ran. */
  readonly overlaps: number;
  readonly faults: readonly JobError[];
  readonly executor: ExecutorKind;
  /** Milliseconds that the frame took. */
  readonly ms: number;
}

const ACTIONS: readonly FaultAction[] = ['healed', 'fallback', 'skipped', 'quarantined', 'kept'];
const STEP = { end: 0, run: 1, wait: 2, handed: 3, failed: 4 } as const;
const FLAGS = { disabled: 1, runMayFail: 4, skipEmpty: 8 } as const;
const SCRATCH = 4096;
const CHECK_FIRST = 3;
const CHECK_EVERY = 64;
const FAULT_WAIT_MS = 500;
/** Things thrown that a frame keeps, for the causes in its report; a job may post any number. */
const THROWN_MAX = 4096;
const NO_DEADLINE = 0xffffffff;

const ANY_WORKER = 0xffffffff;

/** The scheduler of a world: there is one at a time, since the plan is part of the world. */
const owners = new WeakMap<World, ParallelScheduler>();

/** The console was told that memory is not shared. */
let said = false;

export class ParallelScheduler {
  readonly world: World;
  /** Whatever systems share on the main thread; workers never see it. */
  readonly resources = new Map<string, unknown>();
  readonly #options: SchedulerOptions;
  readonly #systems: System[] = [];
  #nextId = 1;
  #host: Host;
  #runtime: JobRuntime;
  #scratch: number;
  /** The stack pointer while no C code runs. */
  #stack: number;
  #beginFrame: (...args: number[]) => number;
  #stepFrame: (...args: number[]) => number;
  #result: number;
  #pool: PortablePool | null = null;
  #ready: Promise<void> | null = null;
  #local: LocalExecutor;
  #executor: Executor;
  #stale = true;
  #running: Promise<FrameReport> | null = null;
  #overlaps = 0;
  #thrown: Thrown[] = [];
  #faultListeners: (() => void)[] = [];
  readonly #told = new Set<(fault: JobError) => void>();
  #whole: WholeTasks;
  /** Systems that are to leave the plan before the next frame. */
  #removed: System[] = [];
  /** Writes of object components that wait for the end of the frame. */
  #later: (() => void)[] = [];
  /** Gives up the frame that waits. */
  #giveUp: ((error: Error) => void) | null = null;
  #givenUp: Error | null = null;
  #said = new Set<string>();
  #frames = 0;
  #checkUntil = 0;
  #closing: Promise<void> | null = null;
  #fallback: string | null = null;
  #inFrame = false;
  /** What went wrong between tasks, and ends the frame. */
  #broken: { readonly error: unknown } | null = null;
  #entered: Executor | null = null;
  /** A frame has begun in wasm and is not over there. */
  #begun = false;
  #faultCount = 0;
  #checked = false;
  #trace: SchedulerTrace | null = null;

  constructor(world: World, options: SchedulerOptions = {}) {
    this.world = world;
    this.#options = options;
    this.#host = world.host;
    if (owners.has(world)) {
      throw new SkepError('E_BUSY', 'the world has a scheduler already', {
        hint: 'use that one, or await its close() first',
      });
    }
    this.#runtime = this.#whole = undefined as never;
    this.#scratch = this.#result = this.#stack = 0;
    this.#beginFrame = this.#stepFrame = undefined as never;
    this.#local = this.#executor = undefined as never;
    this.#settle();
    if (options.stages) this.#stages(options.stages);
    if (options.trace) this.trace();
    owners.set(world, this);
  }

  /** Takes what belongs to the world's instance. */
  #settle(): void {
    this.#host = this.world.host;
    this.#scratch = this.#host.alloc(SCRATCH);
    this.#result = this.#host.alloc(RESULT.size);
    this.#runtime = new JobRuntime(
      this.#host.instance,
      callerPlace(this.#host),
      (system, error, block) => this.#threw({ worker: 0, system, error, block }),
    );
    const options = {
      deadlineMs: this.#options.deadlineMs ?? 1000,
      check: this.#options.check === true,
      force: this.#options.grain === 0,
    };
    const { ex } = this.#host;
    this.#stack = ex.__stack_pointer.value as number;
    this.#beginFrame = ex['skep_host_frame']!;
    this.#stepFrame = ex['skep_host_step']!;
    this.#whole = new WholeTasks(this.world, this.#runtime, thrown => this.#threw(thrown));
    this.#local = new LocalExecutor(this.#host, options);
    this.#executor = this.#local;
    this.#entered = null;
    this.#stale = true;
    this.#removed = [];
    for (const system of this.#systems) {
      system.buffers = null;
      system.planned = false;
      system.extraKnown = false;
    }
  }

  #stages(stages: readonly string[]): void {
    this.#host.withTexts(stages, places => {
      places.forEach(([at, bytes], i) => {
        this.#host.instance.u32.set([at, bytes], this.#host.io + 2 * i);
      });
      this.#host.call('skep_host_stages', stages.length);
    });
  }

  // ---- where jobs run ---------------------------------------------------------------------------

  /** Starts the workers; the first frame does it too. With other options than the constructor's
   * these count. Called again it waits for the same, and loads modules of jobs that run in process,
   * so that tick() can call them. */
  initPool(options: SchedulerOptions = {}): Promise<void> {
    if (this.#closing) return quiet(Promise.reject(closed()));
    this.#ready ??= this.#init({ ...this.#options, ...options });
    return quiet(this.#ready.then(() => this.#preload()));
  }

  async #preload(): Promise<void> {
    await Promise.all(
      this.#systems
        .filter(system => system.offload && placeOf(system, this.#pool) === 'here')
        .map(preload),
    );
  }

  async #init(options: SchedulerOptions): Promise<void> {
    const { executor = 'auto', deadlineMs: _deadline, ...rest } = options;
    const wanted = executor === 'copied' ? 'auto' : executor;
    const most = this.#host.workersMax;
    if (options.size !== undefined && options.size > most) {
      throw new LimitError(
        `${options.size} workers, workersMax is ${most}`,
        'workersMax',
        most,
        options.size,
        { hint: 'new World({ workersMax: ... })' },
      );
    }
    const size = options.size ?? Math.min(Math.max(coreCount() - 1, 1), most);
    const pool = await createPortablePool({
      ...rest,
      size,
      executor: wanted,
      ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }),
    });
    if (this.#closing) {
      await pool.close();
      throw closed();
    }
    this.#pool = pool;
    this.#fallback = pool.fallback;
    if (pool.workers.length) await this.#attach(executor, options);
    else if (executor !== 'auto' && executor !== 'local' && pool.kind === 'local') {
      throw new SkepError(
        'E_UNSUPPORTED',
        `executor "${executor}": ${this.#fallback ?? 'there are no workers'}`,
      );
    }
    this.#stale = true;
  }

  async #attach(executor: 'auto' | ExecutorKind, options: SchedulerOptions): Promise<void> {
    const shared = this.#host.instance.shared && executor !== 'copied';
    const own = {
      deadlineMs: options.deadlineMs ?? 1000,
      check: options.check === true,
      force: options.grain === 0,
    };
    const told = (worker: number, system: string, error: unknown, block: number): void =>
      this.#threw({ worker, system, error, block });
    if (!shared && executor === 'web') {
      throw new SkepError(
        'E_UNSUPPORTED',
        'executor "web" on shared memory: the page is not ' + 'cross-origin isolated',
        { hint: 'send COOP: same-origin and COEP: require-corp' },
      );
    }
    if (!shared && executor === 'auto') {
      this.#say(
        'page is not cross-origin isolated (send COOP: same-origin and COEP: '
          + 'require-corp); using copied columns',
      );
    }
    const pool = this.#pool!;
    const made = shared
      ? new SharedExecutor(this.#host, pool, own, told)
      : new CopiedExecutor(this.#host, pool, own, told, text => this.#runtime.cause(text));
    pool.keepAlive(true);
    await made.start();
    pool.keepAlive(false);
    if (this.#closing) return made.close();
    this.#executor = made;
    this.#entered = null;
  }

  #say(reason: string): void {
    this.#fallback = reason;
    if (this.#options.onFallback) return this.#options.onFallback(reason);
    if (!said) console.warn(`fallback: workers not shared: ${reason}`);
    said = true;
  }

  /** Where jobs run now, and why not elsewhere. */
  get executor(): { kind: ExecutorKind; workers: number; fallback: string | null } {
    return { kind: this.#executor.kind, workers: this.#executor.workers, fallback: this.#fallback };
  }

  /** What frames are traced by, and what was traced. Without `trace` in the options it is off until
   * `trace().on()`. Always the same object. */
  trace(): SchedulerTrace {
    if (this.#trace) return this.#trace;
    const { trace } = this.#options;
    const source = {
      host: () => this.#host,
      threads: () => this.#pool?.threads ?? 0,
      executor: () => this.#executor.kind,
      busy: () => this.#inFrame,
    };
    const options = typeof trace === 'object' ? trace : { off: !trace };
    return (this.#trace = new SchedulerTrace(source, options));
  }

  /** The pool, once it was started; also useful alone. */
  get pool(): PortablePool | null {
    return this.#pool;
  }

  /** Tells of each fault of a frame when the frame is over, healed ones included, in the order of
   * its report. What a listener throws goes to the log. Returns what ends that. */
  on(event: 'fault', listener: (fault: JobError) => void): () => void {
    if ((event as string) !== 'fault') {
      throw new SkepError('E_ARGUMENT', `there is no event "${String(event)}"`, {
        hint: "on('fault', listener)",
      });
    }
    const own = (fault: JobError): void => listener(fault);
    this.#told.add(own);
    return () => void this.#told.delete(own);
  }

  // ---- systems ----------------------------------------------------------------------------------

  /** Adds a job as a system, or a system by the notes' names. Mistakes of the plan are looked for
   * when the next frame begins, all at once. Returns what takes it away again. */
  register<R extends readonly AnyComponent[], W extends readonly AnyComponent[], X>(
    job: Job<R, W, X>,
    when?: When<NoInfer<X>>,
  ): () => void;
  register(system: SystemSpec): () => void;
  register(what: AnyJob | SystemSpec, when: When = {}): () => void {
    if (this.#closing) throw closed();
    const system = makeSystem(this.#nextId++, what, when);
    this.#systems.push(system);
    this.#stale = true;
    this.#checkUntil = this.#frames + CHECK_FIRST;
    return () => this.#remove(system);
  }

  #remove(system: System): void {
    const at = this.#systems.indexOf(system);
    if (at < 0) return;
    this.#systems.splice(at, 1);
    this.#removed.push(system);
    this.#stale = true;
  }

  /** Takes a system away by name. false: there is none. */
  unregister(name: string): boolean {
    const system = this.#systems.find(s => s.name === name);
    if (system) this.#remove(system);
    return system !== undefined;
  }

  /** Adds the systems and entities of a scene, C systems beside JavaScript's. The world moves into
   * the scene's module with all that it holds, so a world can have one scene. `data`: what
   * skep_data() gives the scene. Throws PlanError with all of the scene's mistakes; the world then
   * holds what was built before. */
  addScene(
    scene: Scene,
    params?: Readonly<Record<string, string | number>>,
    data?: string | Uint8Array,
  ): void;
  /** @internal With `predict` only what the scene declares to be predicted. */
  addScene(
    scene: Scene,
    params: Readonly<Record<string, string | number>>,
    data: string | Uint8Array | undefined,
    predict: boolean,
  ): void;
  addScene(
    scene: Scene,
    params: Readonly<Record<string, string | number>> = {},
    data?: string | Uint8Array,
    predict = false,
  ): void {
    if (this.#inFrame) throw busy();
    if (this.#closing) throw closed();
    const workers = this.#executor !== this.#local;
    this.#executor.close();
    this.world.rehost(scene.core);
    this.#settle();
    if (this.#options.stages) this.#stages(this.#options.stages);
    if (workers) {
      this.#ready = this.#attach(this.#options.executor ?? 'auto', this.#options).then(() => {
        this.#stale = true;
      });
      this.#ready.catch(() => {});
    }
    scene.build(this.#host, params, data, (level, text) => this.#log(level, text), predict);
    this.world.fireHooks();
  }

  /** Enables or disables a system from the next frame on. */
  enable(name: string, enabled: boolean): void {
    const system = this.#systems.find(s => s.name === name);
    if (system) system.enabled = enabled;
    this.#sync();
    this.#doTo(name, enabled ? 1 : 2, true);
  }

  /** Ends a system's quarantine. */
  release(name: string): void {
    this.#sync();
    this.#doTo(name, 3, true);
  }

  /** What a system is now; its batch counts from 1 through the frame. */
  state(name: string): { enabled: boolean; quarantined: boolean; batch: number } {
    this.#sync();
    const bits = this.#host.withTexts([name], ([place]) =>
      this.#host.ex['skep_host_system_state']!(this.#host.address, place![0]),
    );
    return { enabled: (bits & 1) !== 0, quarantined: (bits & 2) !== 0, batch: bits >>> 2 };
  }

  #doTo(name: string, what: number, strict = false): void {
    const status = this.#host.withTexts([name], ([place]) =>
      this.#host.ex['skep_host_system_do']!(this.#host.address, place![0], what),
    );
    if (strict && status !== STATUS.OK) throw this.#host.error(status);
  }

  /** The systems' names in their total order. Throws PlanError. */
  order(): string[] {
    this.#sync();
    return this.#names();
  }

  #names(): string[] {
    const names: string[] = [];
    for (;;) {
      const at = this.#host.ex['skep_host_system_at']!(this.#host.address, names.length);
      if (!at) return names;
      names.push(this.#host.instance.text(at));
    }
  }

  /** Batches: the names of systems that may run at the same time. Throws PlanError. */
  batches(): string[][] {
    const batches: string[][] = [];
    for (const name of this.order()) {
      const batch = this.state(name).batch;
      (batches[batch - 1] ??= []).push(name);
    }
    return batches;
  }

  /** Looks for mistakes now. Throws PlanError with all of them. */
  compile(): void {
    this.#sync();
  }

  /** Tells the plan what has changed of the systems and of where they run. Those behind the first
   * one that changed are added anew, since the order of registration counts. */
  #sync(): void {
    if (!this.#stale || this.#inFrame) return;
    for (const system of this.#removed) this.#takeFromPlan(system);
    this.#removed = [];
    const first = this.#systems.findIndex(
      system => !system.planned || system.runOnly !== this.#nowhere(system),
    );
    if (first >= 0) {
      const late = this.#systems.slice(first);
      for (const system of late) this.#takeFromPlan(system);
      for (const system of late) this.#addToPlan(system);
    }
    this.#stale = false;
    const status = this.#host.ex['skep_host_build']!(this.#host.address);
    if (status === STATUS.PLAN) throw this.#mistakes();
    if (status !== STATUS.OK) throw this.#host.error(status);
    for (const system of this.#systems) if (!system.enabled) this.#doTo(system.name, 2);
    this.#place();
  }

  /** Notes what depends on all systems: their order, and the shortest deadline. */
  #place(): void {
    const order = new Map(this.#names().map((name, i) => [name, i]));
    const deadlines: number[] = [];
    for (const system of this.#systems) {
      system.place = order.get(system.name) ?? -1;
      if (system.deadlineMs) deadlines.push(system.deadlineMs);
    }
    this.#executor.watch(Math.min(...deadlines, Infinity));
  }

  #takeFromPlan(system: System): void {
    if (!system.planned) return;
    system.planned = false;
    this.#doTo(system.name, 0);
    if (system.jobAt) this.#host.ex['skep_host_job_free']!(this.#host.address, system.jobAt);
    system.jobAt = 0;
    system.buffers?.release();
    system.buffers = null;
    if (system.binding) {
      this.#runtime.remove(system.id);
      this.#executor.forget(system.id);
    }
    system.binding = system.whole = null;
    system.extraKnown = false;
  }

  #mistakes(): PlanError {
    this.#stale = true;
    const count = this.#host.word(0);
    const lines = Array.from({ length: count }, (_, i) =>
      this.#host.instance.text(this.#host.ex['skep_host_mistake']!(this.#host.address, i)),
    );
    const named = this.#systems
      .map(s => s.name)
      .filter(
        (name, i, all) => all.indexOf(name) === i && lines.some(line => line.includes(`"${name}"`)),
      );
    this.#drainLog(true);
    return new PlanError(
      `${count} mistake${count > 1 ? 's' : ''}, nothing was run\n  ` + lines.join('\n  '),
      named,
      lines,
    );
  }

  #addToPlan(system: System): void {
    system.runOnly = this.#nowhere(system);
    const access = accessOf(this.world, system);
    const { after, before } = system;
    const host = this.#host;
    const uses = access?.uses.length ?? 0;
    const texts = [system.name, system.stage, ...after, ...before];
    host.withTexts(texts, places => {
      const words = [
        ...places[0]!,
        ...places[1]!,
        (system.run ? FLAGS.runMayFail : 0) | (system.skipIfEmpty ? FLAGS.skipEmpty : 0),
        system.every,
        system.deadlineMs === 0 ? NO_DEADLINE : (system.deadlineMs ?? 0),
        system.id,
        system.run ? 1 : 0,
        access?.jobFlags ?? NO_JOB,
        access?.spawnMax ?? 0,
        access ? uses : NO_JOB,
        after.length,
        before.length,
        access?.overwrite ? 1 : 0,
        ...(access?.uses ?? []).flatMap(use => [use.address, use.mode]),
        ...places.slice(2).flat(),
      ];
      host.instance.u32.set(
        words.map(w => w >>> 0),
        host.io,
      );
      host.call('skep_host_system');
    });
    system.planned = true;
    if (!access || access.jobFlags === NO_JOB) return;
    system.jobAt = host.word(uses);
    access.bind(Array.from({ length: uses }, (_, i) => host.word(i)));
    if (!system.binding) return;
    this.#runtime.add(system.binding, system.job!.handle as never, this.#scratch);
  }

  /** Has wasm leave a job's tasks to this thread, or to the workers again. */
  #handOver(system: System, here: boolean): void {
    const { u32 } = this.#host.instance;
    const at = (system.jobAt + JOB.flags) >> 2;
    u32[at] = here || system.whole ? u32[at]! | JOB_HANDED : u32[at]! & ~JOB_HANDED;
  }

  /** Whether there is no place for a system's job, but a `run` of its own. */
  #nowhere(system: System): boolean {
    if (!system.offload || !system.run) return false;
    return placeOf(system, this.#pool) === 'nowhere';
  }

  /** Sends workers what they do not know yet. */
  async #bindAll(): Promise<void> {
    for (const system of this.#systems) {
      if (!system.binding || this.#executor === this.#local) continue;
      const why = await this.#executor.bind(system.binding);
      const here = why !== null;
      if (here && !system.here) {
        this.#log(2, `system "${system.name}" runs on the caller: ${why}`);
      }
      system.here = here;
      if (system.jobAt) this.#handOver(system, here);
    }
  }

  // ---- frames -----------------------------------------------------------------------------------

  /** Runs a frame of `dt` seconds. `time`: what systems see as the time, the sum of all dt by
   * default. While one runs, its promise is given again, and the call is counted. Rejects with
   * PlanError, LimitError, ClosedError; faults of jobs are in the report. A rejection that nobody
   * waits for ends no process: it is in the log, once. */
  runFrame(dt: number, time = -1, options: { parallel?: boolean } = {}): Promise<FrameReport> {
    if (this.#closing) return quiet(Promise.reject<FrameReport>(closed()));
    if (this.#running) {
      this.#overlaps++;
      return this.#running;
    }
    const frame = this.#runFrame(dt, time, options.parallel ?? true);
    this.#running = frame;
    frame.then(
      () => {
        this.#running = null;
      },
      (error: unknown) => {
        this.#running = null;
        this.#sayError(error);
      },
    );
    return frame;
  }

  /** Logs what a frame rejected with; faults are in the log already. */
  #sayError(error: unknown): void {
    if (error instanceof ClosedError || error instanceof JobError) return;
    const text = describe(error);
    if (this.#said.has(text) || this.#said.size > 99) return;
    this.#said.add(text);
    this.#log(3, text);
  }

  async #runFrame(dt: number, time: number, parallel: boolean): Promise<FrameReport> {
    if (parallel && !this.#ready) void this.initPool();
    if (parallel) await this.#ready;
    if (this.#closing) throw closed();
    const stale = this.#stale;
    this.#sync();
    if (stale) await this.#held(this.#bindAll());
    if (this.#closing) throw closed();
    this.#pooled = parallel;
    const frame = this.#frame(dt, time, parallel ? this.#executor : this.#local);
    if ('frame' in frame) return frame;
    const step = frame.next();
    return step.done ? step.value : this.#held(this.#drive(frame, step.value));
  }

  /** Goes on with a frame that waits, until it is over or given up. */
  async #drive(
    frame: Generator<unknown, FrameReport, unknown>,
    first: unknown,
  ): Promise<FrameReport> {
    let promise = first;
    for (;;) {
      let step: IteratorResult<unknown, FrameReport>;
      try {
        const value = await new Promise<unknown>((resolve, reject) => {
          this.#giveUp = reject;
          Promise.resolve(promise).then(resolve, reject);
        });
        step = frame.next(value);
      } catch (error) {
        step = frame.throw(error);
      }
      if (step.done) return step.value;
      promise = this.#givenUp ? Promise.reject(this.#givenUp) : step.value;
    }
  }

  /** Keeps a Node process alive until something is done: workers alone do not. */
  async #held<T>(work: Promise<T>): Promise<T> {
    const pool = this.#pool;
    pool?.keepAlive(true);
    try {
      return await work;
    } finally {
      pool?.keepAlive(false);
    }
  }

  /** Runs a frame at once, on the caller alone: for tests, tools and small games. Jobs and `run`s
   * that give promises are faults here. Throws E_BUSY while a frame runs. */
  tick(dt: number, time = -1): FrameReport {
    if (this.#closing) throw closed();
    if (this.#inFrame || this.#running) throw busy();
    this.#sync();
    this.#ticking = true;
    try {
      const frame = this.#frame(dt, time, this.#local);
      if ('frame' in frame) return frame;
      let step = frame.next();
      while (!step.done) {
        quiet(Promise.resolve(step.value));
        step = frame.throw(
          new SkepError('E_UNSUPPORTED', 'it gave a promise, and tick() cannot wait', {
            hint: 'await runFrame() instead',
          }),
        );
      }
      return step.value;
    } finally {
      this.#ticking = false;
    }
  }
  #ticking = false;
  /** The frame may use the pool. */
  #pooled = false;

  /** Begins a frame and goes as far as one call into wasm leads: for frames without JavaScript's
   * own `run`s and workers that is the end. Else gives the generator that does the rest. */
  #frame(
    dt: number,
    time: number,
    executor: Executor,
  ): FrameReport | Generator<unknown, FrameReport, unknown> {
    const began = performance.now();
    if (this.#trace) this.#trace.ready();
    for (const hook of this.world.frames) hook.begin();
    this.world.flush();
    this.#inFrame = true;
    if (this.#thrown.length) this.#thrown = [];
    this.#whole.reset();
    this.#broken = null;
    this.world.guard = this.#guardObjects;
    this.#begun = false;
    let rest = false;
    try {
      this.#checkPool(executor);
      this.#enter(executor, this.#checks(executor));
      const extras = this.#extras(dt, time);
      this.#tellExtras();
      const sent = extras.length ? executor.setExtras(extras) : undefined;
      const step = sent ? -1 : this.#first(dt, time);
      if (step === STEP.end && this.#whole.idle) {
        this.#begun = false;
        const report = this.#report(executor, began);
        if (!this.#faultCount) return report;
      }
      rest = true;
      return this.#rest(executor, dt, time, began, sent, step);
    } finally {
      if (!rest) this.#shut(executor);
    }
  }

  /** Throws when too many workers had to be replaced: going on without them would hide that. */
  #checkPool(executor: Executor): void {
    const failed = executor === this.#local ? null : this.#pool?.failed;
    if (failed) throw failed;
  }

  /** Ends a frame, whatever came of it. */
  #shut(executor: Executor): void {
    const host = this.#host;
    if (this.#begun) this.#abort(executor);
    executor.leave();
    this.#inFrame = false;
    this.world.guard = null;
    this.#frames++;
    for (const system of this.#systems) {
      if (!system.extraFault) continue;
      system.extraFault = null;
      if (system.jobAt) this.#handOver(system, system.here);
    }
    if (this.#later.length) this.#catchUp();
    if (!host.closed) this.#drainLog();
    for (const hook of this.world.frames) hook.end();
  }

  /** Gives the frame in wasm up. What workers may still write to is parked until they are gone. */
  #abort(executor: Executor): void {
    const host = this.#host;
    this.#begun = false;
    this.#whole.reset();
    const gone = executor.abandon();
    host.ex['skep_host_abort']!(host.address);
    void gone.then(() => {
      if (!host.closed) host.ex['skep_host_gone']!(host.address, ANY_WORKER);
    });
  }

  /** Makes the writes of object components that waited. */
  #catchUp(): void {
    const later = this.#later;
    this.#later = [];
    for (const write of later) {
      try {
        write();
      } catch (error) {
        this.#log(3, `a write from outside of the frame: ${describe(error)}`);
      }
    }
  }

  *#rest(
    executor: Executor,
    dt: number,
    time: number,
    began: number,
    sent: Promise<void> | undefined,
    first: number,
  ): Generator<unknown, FrameReport, unknown> {
    try {
      let step = first;
      if (sent) {
        yield sent;
        step = this.#first(dt, time);
      }
      if (this.#begun) yield* this.#steps(executor, dt, time, step);
      this.#begun = false;
      const report = this.#report(executor, began);
      if (this.#faultCount) yield* this.#faults(executor, this.#faultCount, report);
      return report;
    } finally {
      this.#shut(executor);
    }
  }

  /** Begins the frame in wasm, and returns its first step. */
  #first(dt: number, time: number): number {
    const host = this.#host;
    const when = time < 0 || Number.isNaN(time) ? -1 : time;
    let step: number;
    try {
      step = this.#beginFrame(host.address, dt, when);
    } catch (error) {
      step = this.#trapped(error);
    }
    if (step < 0) throw host.error(host.word(0));
    this.#begun = true;
    return step;
  }

  /** Tells wasm where tasks run, where that changed. */
  #enter(executor: Executor, check: boolean): void {
    if (this.#entered === executor && this.#checked === check) return;
    executor.enter(check);
    this.#entered = executor;
    this.#checked = check;
  }

  /** What a write of an object component must ask while a frame runs: a system's run may if it
   * declared it, and anybody else's waits for the end. */
  #guardObjects = (component: AnyComponent, again: () => void): boolean => {
    const system = this.#inRun;
    if (!system) {
      this.#later.push(again);
      return true;
    }
    const { reads, writes } = system.declared;
    if ((reads || writes) && !writes?.includes(component)) {
      throw new SkepError(
        'E_ACCESS',
        `system "${system.name}" has no right to write ` + component.name,
        { hint: 'declare it in its writes' },
      );
    }
    return false;
  };
  /** The system whose run is executing. */
  #inRun: System | null = null;

  #checks(executor: Executor): boolean {
    const mode = this.#options.check ?? (executor.kind === 'local' ? 'sample' : false);
    if (mode !== 'sample' || !this.#systems.some(s => s.binding)) return mode === true;
    return this.#frames < this.#checkUntil || this.#frames % CHECK_EVERY === 0;
  }

  *#steps(
    executor: Executor,
    dt: number,
    time: number,
    first: number,
  ): Generator<unknown, void, unknown> {
    const host = this.#host;
    const pending = new Set<Promise<void>>();
    for (let step = first; ; step = this.#next(executor)) {
      this.#whole.apply();
      if (this.#broken) throw this.#broken.error;
      if (this.#givenUp) throw this.#givenUp;
      switch (step) {
        case STEP.end:
          return;
        case STEP.run:
          yield* this.#run(host.word(0), dt, time);
          break;
        case STEP.handed:
          yield* this.#handed(executor, host.word(0), pending);
          break;
        case STEP.wait: {
          const waited = executor.wait(pending.size > 0);
          if (waited) yield waited;
          break;
        }
        default:
          throw host.error(host.word(0));
      }
    }
  }

  /** Goes on, after what was written from outside meanwhile was put where it waits for the next
   * frame: left in the queue, it would be taken for a system's own. */
  #next(executor: Executor): number {
    this.#checkPool(executor);
    try {
      this.world.flush();
    } catch (error) {
      this.#log(3, `a write from outside of the frame: ${describe(error)}`);
    }
    return this.#step();
  }

  /** Goes on in wasm. A trap there is one of a system's C function: it failed, and the frame goes
   * on. */
  #step(): number {
    try {
      return this.#stepFrame(this.#host.address);
    } catch (error) {
      return this.#trapped(error);
    }
  }

  #trapped(error: unknown): number {
    const host = this.#host;
    const text = describeTrap(host.instance, error);
    host.ex.__stack_pointer.value = this.#stack;
    const cause = this.#runtime.cause(text);
    if (host.ex['skep_host_run_done']!(host.address, STATUS.FAULT, cause) !== STATUS.OK)
      throw error;
    this.#threw({ worker: 0, system: '', error, block: -1 });
    return this.#step();
  }

  #context(system: System, dt: number, time: number): SystemContext {
    return {
      world: this.world,
      dt: Math.fround(dt), // what jobs get, so that a `run` in place of one gives the same bits
      time: time < 0 ? this.world.time : time,
      tick: this.world.tick,
      stage: system.stage,
      resources: this.resources,
      cmd: new Commands(this.world),
    };
  }

  *#run(id: number, dt: number, time: number): Generator<unknown, void, unknown> {
    const host = this.#host;
    const system = this.#systems.find(s => s.id === id)!;
    const objects = this.world.shareObjects();
    let status: number = STATUS.OK;
    let cause = 0;
    this.#inRun = system;
    try {
      const result = system.run!(this.#context(system, dt, time));
      if (typeof (result as PromiseLike<void> | undefined)?.then === 'function') yield result;
      this.world.flush();
      this.world.dropObjects(objects);
    } catch (error) {
      status = STATUS.FAULT;
      cause = this.#runtime.cause(describe(error));
      this.#threw({ worker: 0, system: system.name, error, block: -1 });
      this.world.dropQueue();
      this.world.restoreObjects(objects);
    } finally {
      this.#inRun = null;
    }
    host.call('skep_host_run_done', status, cause);
  }

  // ---- extra ------------------------------------------------------------------------------------

  /** What changed of the systems' `extra`, copied. One that throws, or gives what cannot be copied,
   * is a fault of its system: the job's tasks come back to this thread, and fail there. */
  #extras(dt: number, time: number): [number, unknown][] {
    const changed: [number, unknown][] = [];
    const played = this.#player();
    for (const system of this.#systems) {
      if (!system.extra || system.runOnly) continue;
      try {
        const value = played
          ? played.extraOf!(system.name)
          : system.extra(this.#context(system, dt, time));
        if (system.extraKnown && sameValue(value, system.lastExtra)) continue;
        system.lastExtra = this.#copyExtra(system, value);
      } catch (error) {
        system.extraFault = { error };
        if (system.jobAt) this.#handOver(system, true);
        continue;
      }
      system.extraKnown = true;
      if (!system.binding) continue;
      this.#runtime.setExtra(system.id, system.lastExtra);
      changed.push([system.id, system.lastExtra]);
    }
    return changed;
  }

  /** Whoever plays a recording in this world. */
  #player(): FrameHook | undefined {
    for (const hook of this.world.frames) if (hook.extraOf) return hook;
    return undefined;
  }

  /** Tells recordings what `extra` gave. */
  #tellExtras(): void {
    for (const hook of this.world.frames) {
      hook.extras?.(
        this.#systems
          .filter(system => system.extra && system.extraKnown && !system.extraFault)
          .map(({ name, lastExtra }) => [name, lastExtra] as const),
      );
    }
  }

  #copyExtra(system: System, value: unknown): unknown {
    try {
      return structuredClone(value);
    } catch (cause) {
      const hint = 'pass only what structuredClone can copy';
      throw copyFault(`\`extra\` of system "${system.name}"`, value, cause, hint);
    }
  }

  // ---- tasks that wasm hands over ---------------------------------------------------------------

  *#handed(
    executor: Executor,
    count: number,
    pending: Set<Promise<void>>,
  ): Generator<unknown, void, unknown> {
    const host = this.#host;
    const tasks = Array.from({ length: count }, (_, i): HandedTask => {
      const task = host.ex['skep_host_handed']!(host.address, i);
      return {
        task,
        number: host.word(0),
        job: host.word(1),
        id: host.word(2) === NO_JOB ? -1 : host.word(2),
        flags: host.word(3),
      };
    });
    executor.batch(tasks[0]?.flags ?? 0);
    for (const task of tasks) {
      const work = this.#begin(task, executor);
      if (!work) continue;
      const done = work
        .catch((error: unknown) => {
          this.#broken ??= { error };
        })
        .then(() => {
          pending.delete(done);
          executor.wake();
        });
      pending.add(done);
    }
    if (executor === this.#local) while (pending.size) yield Promise.race(pending);
  }

  /** Runs a task wherever it belongs. undefined: it is done already. */
  #begin(task: HandedTask, executor: Executor): Promise<void> | undefined {
    const system = task.id < 0 ? undefined : this.#systems.find(s => s.id === task.id);
    if (system?.extraFault) {
      this.#whole.fail(task, system, system.extraFault.error);
      return undefined;
    }
    if (system?.whole) {
      // A pool of named workers alone runs such jobs, though there is no executor on it.
      const pool = this.#pooled && !this.#ticking ? this.#pool : null;
      return this.#whole.run(task, system, pool, executor.kind !== 'copied', !this.#ticking);
    }
    return (system?.here ? undefined : executor.take(task)) ?? this.#direct(task);
  }

  /** Runs a task on this thread. */
  #direct(task: HandedTask): undefined {
    const host = this.#host;
    const { u32, u8 } = host.instance;
    const at = this.#result;
    u8.fill(0, at, at + RESULT.size);
    const room = host.layout.slots + SLOT.room;
    const began = host.tracer?.begin() ?? 0;
    host.instance.imports.guard(task.task, task.job, task.flags, room, at, this.#stack);
    if (began) host.tracer?.block(0, task.task, began, performance.now());
    const word = (offset: number): number => u32[(at + offset) >> 2]!;
    host.ex['skep_host_deliver']!(
      host.address,
      task.number,
      word(RESULT.status),
      word(RESULT.cause),
      0,
      word(RESULT.bytes),
      word(RESULT.wanted),
      0,
    );
    return undefined;
  }

  // ---- reports ----------------------------------------------------------------------------------

  #threw(thrown: Thrown): void {
    if (this.#thrown.length < THROWN_MAX) this.#thrown.push(thrown);
    const listeners = this.#faultListeners;
    this.#faultListeners = [];
    for (const listener of listeners) listener();
  }

  #report(executor: Executor, began: number): FrameReport {
    const host = this.#host;
    host.ex['skep_host_report']!(host.address);
    this.#faultCount = host.word(26);
    const report: FrameReport = {
      frame: host.wide(0),
      batches: host.word(2),
      systems: host.word(4),
      tasks: host.word(6),
      reruns: host.word(8),
      retries: host.word(10),
      rows: host.wide(12),
      blocksCopied: host.wide(14),
      patches: host.wide(16),
      blocksInPlace: host.wide(18),
      dropped: host.wide(20),
      overlaps: this.#overlaps,
      faults: [],
      executor: executor.kind,
      ms: performance.now() - began,
    };
    this.world.fireHooks();
    return report;
  }

  *#faults(
    executor: Executor,
    count: number,
    report: FrameReport,
  ): Generator<unknown, void, unknown> {
    const faults = report.faults as JobError[];
    for (let i = 0; i < count; i++) faults.push(yield* this.#fault(executor, i));
    for (const listener of [...this.#told]) for (const fault of faults) this.#tell(listener, fault);
    const { onFault } = this.#options;
    if (typeof onFault === 'function') for (const fault of faults) onFault(fault);
    const bad = faults.find(fault => fault.action !== 'healed');
    if (onFault === 'throw' && bad) throw bad;
  }

  #tell(listener: (fault: JobError) => void, fault: JobError): void {
    try {
      listener(fault);
    } catch (error) {
      this.#log(3, `a listener of faults: ${describe(error)}`);
    }
  }

  /** Calls for a frame while one ran, so far. */
  get overlaps(): number {
    return this.#overlaps;
  }

  *#fault(executor: Executor, index: number): Generator<unknown, JobError, unknown> {
    const host = this.#host;
    host.ex['skep_host_fault']!(host.address, index);
    const words = Array.from({ length: 18 }, (_, i) => host.word(i));
    const system = host.instance.text(words[16]!);
    const text = host.instance.text(words[17]!);
    const block = words[3]! === NO_JOB ? null : words[3]!;
    const worker = words[7]!;
    const message = host.withTexts([executor.kind], ([place]) => {
      host.ex['skep_host_fault_text']!(host.address, index, place![0]);
      return host.instance.textOf(host.word(0), host.word(1));
    });
    const until = performance.now() + FAULT_WAIT_MS;
    let thrown = this.#find(system, block, worker);
    while (!thrown && executor.owes(worker) && performance.now() < until) {
      yield new Promise<void>(resolve => {
        const timer = setTimeout(resolve, FAULT_WAIT_MS / 5);
        this.#faultListeners.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      thrown = this.#find(system, block, worker);
    }
    return new JobError(
      message,
      {
        system,
        worker,
        frame: words[0]!,
        block,
        retried: words[13] !== 0,
        action: ACTIONS[words[1]!]!,
        text,
      },
      { code: codeOf(thrown, words[2]!), cause: thrown ? thrown.error : new Error(text) },
    );
  }

  #find(system: string, block: number | null, worker: number): Thrown | undefined {
    const own = this.#thrown.filter(t => t.system === system);
    return (
      own.find(t => t.block === (block ?? -1))
      ?? own[0]
      ?? this.#thrown.find(t => t.system === '' && t.worker === worker)
    );
  }

  #log(level: number, text: string): void {
    if (this.#options.log) this.#options.log(level, text);
    else if (level >= 3) console.error(text);
    else if (level === 2) console.warn(text);
  }

  #drainLog(quiet = false): void {
    for (const { level, text } of this.#host.takeLog()) if (!quiet) this.#log(level, text);
  }

  // ---- loops and the end ------------------------------------------------------------------------

  /** Runs frames at a fixed rate, with bounded catch-up; see Loop. */
  start(options: LoopOptions = {}): Loop {
    if (this.#closing) throw closed();
    return new Loop(this, options);
  }

  /** Ends the workers in bounded time. A frame that runs may finish within 200 ms, or with 'drain'
   * within `timeoutMs`; else it rejects with ClosedError, and what its batch did is dropped. Twice
   * is fine. The world stays usable, also for another scheduler. */
  close(options: CloseOptions = {}): Promise<void> {
    if (this.#closing && options.mode !== 'drain') this.#hurry();
    return (this.#closing ??= this.#close(options));
  }

  async #close(options: CloseOptions): Promise<void> {
    const drain = options.mode === 'drain';
    const limit = options.timeoutMs ?? (drain ? 10000 : 1000);
    const hurry = new Promise<void>(resolve => {
      this.#hurry = resolve;
    });
    if (this.#ready) await within(this.#ready, limit);
    if (this.#running) {
      const over = this.#running.then(
        () => {},
        () => {},
      );
      await within(
        drain ? Promise.race([over, hurry]) : over,
        drain ? limit : Math.min(limit, 200),
      );
    }
    // Without workers a frame that waits for them would wait for ever.
    await this.#pool?.close({ mode: drain && !this.#running ? 'drain' : 'now', timeoutMs: limit });
    if (this.#running) {
      this.#givenUp = new ClosedError('the scheduler was closed while the frame ran', {
        hint: 'close({ mode: "drain" }) waits for it',
      });
      const over = this.#running.then(
        () => {},
        () => {},
      );
      this.#giveUp?.(this.#givenUp);
      await within(over, limit);
    }
    this.#executor.close();
    this.#leave();
  }
  #hurry = (): void => {};

  /** Leaves the world to others. */
  #leave(): void {
    owners.delete(this.world);
    this.#trace?.close(Promise.all((this.#pool?.workers ?? []).map(worker => worker.gone)));
    if (this.#host.closed) return;
    for (const system of [...this.#removed, ...this.#systems]) this.#takeFromPlan(system);
    this.#local.enter(false);
    this.#host.free(this.#scratch, SCRATCH);
    this.#host.free(this.#result, RESULT.size);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Waits for a promise, but no longer than so many milliseconds, and however it ends. */
function within(promise: Promise<unknown>, ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    const over = (): void => {
      clearTimeout(timer);
      resolve();
    };
    promise.then(over, over);
  });
}

/** A promise whose rejection ends no process where nobody waits for it. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.then(undefined, () => {});
  return promise;
}

function closed(): ClosedError {
  return new ClosedError('the scheduler is closed', { hint: 'make another for the world' });
}

function busy(): SkepError {
  return new SkepError('E_BUSY', 'a frame is running', { hint: 'await it first' });
}

/** The code of a fault by what was thrown, else by the core's status: an error of ours keeps its
 * own, also when it came from a worker as a copy. */
function codeOf(thrown: Thrown | undefined, status: number): SkepErrorCode {
  if (!thrown) return STATUS_CODES[status] ?? 'E_JOB';
  if (thrown.code) return thrown.code;
  try {
    const error = thrown.error as Partial<SkepError> | null | undefined;
    if (OURS.has(String(error?.name)) && error?.code) return error.code;
  } catch {
    // What a job throws may have getters that throw.
  }
  return thrown.system === '' && thrown.worker > 0 ? 'E_WORKER_LOST' : 'E_JOB';
}

/** Of faults that the core found itself, where nothing was thrown. */
const STATUS_CODES: Readonly<Record<number, SkepErrorCode>> = {
  [STATUS.NO_MEMORY]: 'E_NO_MEMORY',
  [STATUS.LIMIT]: 'E_LIMIT',
  [STATUS.ACCESS]: 'E_ACCESS',
};

const OURS = new Set([
  'SkepError',
  'LimitError',
  'SchemaError',
  'PatchError',
  'DeadlineError',
  'ClosedError',
]);

/** Whether two values that can be cloned are the same as far as is cheap to tell. */
function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return typeof a !== 'object' || a === null;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
  if (Object.getPrototypeOf(a) !== Object.prototype) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(key =>
    sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

export { isWholeJob };
