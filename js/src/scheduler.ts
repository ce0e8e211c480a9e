// SPDX-License-Identifier: MIT
// The scheduler: systems, their order, and frames, driven from JavaScript.
//
// The plan and the frame's state machine are the core's. wasm goes on with a frame until there is
// something that only JavaScript can do (call a system's function, run a job that gets all rows, wait
// for workers); this file does that and comes back. A synchronous tick and an asynchronous frame are
// the same generator: it yields promises, which the one refuses and the other awaits.

import { STATUS, POOL_TASK, JOB, JOB_HANDED, RESULT } from './core/layout.js';
import type { Host } from './core/host.js';
import { ClosedError, JobError, PlanError, SkepError, type FaultAction } from './errors.js';
import { CopiedExecutor } from './executor/copied.js';
import { LocalExecutor, callerPlace, type Executor, type ExecutorKind, type HandedTask } from
  './executor/executor.js';
import { JobRuntime, describe } from './executor/job_runtime.js';
import { SharedExecutor } from './executor/shared.js';
import { WholeBuffers, WholeTask, notesInput, packPatches, packResult, type ObjectChange, type WholeBinding, type
  WholeOutput } from './executor/whole_job.js';
import { runWhole, type WholeResult } from './executor/whole_run.js';
import { isJob, type AnyJob, type Job } from './job.js';
import type { AnyComponent } from './component.js';
import { createPortablePool, type PoolOptions, type PortablePool } from './pool/pool.js';
import { findUncloneable } from './pool/faults.js';
import { fetchJob, jobs as servedJobs } from './pool/registry.js';
import { Loop, type LoopOptions } from './loop.js';
import type { Scene } from './scene.js';
import { NO_JOB, accessOf, isWholeJob, makeSystem, type System, type SystemContext, type SystemSpec,
  type When } from './system.js';
import { Commands, type World } from './world.js';

export interface SchedulerOptions extends Omit<PoolOptions, 'executor' | 'deadlineMs'> {
  /** 'auto': workers where they can be had, on shared memory where that is; else in process, and a
   * fallback says why. The others fail instead. */
  executor?: 'auto' | ExecutorKind;
  /** Milliseconds for one task where it can be ended: 1,000 by default, 0 is any time. */
  deadlineMs?: number;
  /** Whether the inputs of jobs are compared around each call, and the job that changed them is
   * named: true in development; 'sample' (the default in process) checks a system's first frames and
   * one in 64; false never. Changes no results. */
  check?: boolean | 'sample';
  /** 0: the smallest batch goes to workers too. */
  grain?: number;
  /** Names of the stages, in order. */
  stages?: readonly string[];
  /** 'report' (the default): faults are in the frame's report and in the log. 'throw': the frame
   * also rejects, when it is over. Or a function that gets each. */
  onFault?: 'report' | 'throw' | ((fault: JobError) => void);
  /** Takes lines of the core and of jobs: level 0 (debug) to 3 (error). By default warnings and
   * errors go to the console. */
  log?: (level: number, text: string) => void;
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

interface Thrown {
  readonly worker: number;
  readonly system: string;
  readonly error: unknown;
  readonly block: number;
}

/** What JavaScript is to do after a system's batch has committed. */
interface Applied {
  readonly system: System;
  readonly changes: readonly ObjectChange[];
  readonly dropped: number;
}

/** A whole job's result that did not fit into its output area: it is packed again into a larger. */
interface Kept {
  readonly output: WholeOutput;
}

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
  #kept = new Map<number, Kept>();
  #applied: Applied[] = [];
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

  constructor(world: World, options: SchedulerOptions = {}) {
    this.world = world;
    this.#options = options;
    this.#host = world.host;
    this.#runtime = undefined as never;
    this.#scratch = this.#result = 0;
    this.#local = this.#executor = undefined as never;
    this.#settle();
    if (options.stages) this.#stages(options.stages);
  }

  /** Takes what belongs to the world's instance. */
  #settle(): void {
    this.#host = this.world.host;
    this.#scratch = this.#host.alloc(SCRATCH);
    this.#result = this.#host.alloc(RESULT.size);
    this.#runtime = new JobRuntime(this.#host.instance, callerPlace(this.#host),
      (system, error, block) => this.#threw({ worker: 0, system, error, block }));
    const options = { deadlineMs: this.#options.deadlineMs ?? 1000,
      check: this.#options.check === true, force: this.#options.grain === 0 };
    this.#local = new LocalExecutor(this.#host, options);
    this.#executor = this.#local;
    this.#entered = null;
    this.#stale = true;
    for (const system of this.#systems) {
      system.buffers = null;
      system.nameAt = 0;
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

  // ---- where jobs run ------------------------------------------------------------------------------

  /** Starts the workers; the first frame does it too. With other options than the constructor's
   * these count. */
  initPool(options: SchedulerOptions = {}): Promise<void> {
    if (this.#closing) return Promise.reject(closed());
    return (this.#ready ??= this.#init({ ...this.#options, ...options }));
  }

  async #init(options: SchedulerOptions): Promise<void> {
    const { executor = 'auto', deadlineMs: _deadline, ...rest } = options;
    const wanted = executor === 'copied' ? 'auto' : executor;
    this.#pool = await createPortablePool({ ...rest, executor: wanted,
      ...options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs } });
    this.#fallback = this.#pool.fallback;
    if (this.#pool.workers.length && !this.#closing) await this.#attach(executor, options);
    else if (executor !== 'auto' && executor !== 'local') {
      throw new SkepError('E_UNSUPPORTED', `executor "${executor}": ${this.#fallback
        ?? 'there are no workers'}`);
    }
    this.#stale = true;
  }

  async #attach(executor: 'auto' | ExecutorKind, options: SchedulerOptions): Promise<void> {
    const shared = this.#host.instance.shared && executor !== 'copied';
    const own = { deadlineMs: options.deadlineMs ?? 1000, check: options.check === true,
      force: options.grain === 0 };
    const told = (worker: number, system: string, error: unknown, block: number): void =>
      this.#threw({ worker, system, error, block });
    if (!shared && executor === 'web') {
      throw new SkepError('E_UNSUPPORTED', 'executor "web" on shared memory: the page is not '
        + 'cross-origin isolated', { hint: 'send COOP: same-origin and COEP: require-corp' });
    }
    if (!shared && executor === 'auto') {
      this.#say('page is not cross-origin isolated (send COOP: same-origin and COEP: '
        + 'require-corp); using copied columns');
    }
    const made = shared ? new SharedExecutor(this.#host, this.#pool!, own, told)
      : new CopiedExecutor(this.#host, this.#pool!, own, told, text => this.#runtime.cause(text));
    this.#pool!.keepAlive(true);
    await made.start();
    this.#pool!.keepAlive(false);
    this.#executor = made;
  }

  #say(reason: string): void {
    this.#fallback = reason;
    if (this.#options.onFallback) this.#options.onFallback(reason);
    else console.warn(`fallback: workers not shared: ${reason}`);
  }

  /** Where jobs run now, and why not elsewhere. */
  get executor(): { kind: ExecutorKind; workers: number; fallback: string | null } {
    return { kind: this.#executor.kind, workers: this.#executor.workers,
      fallback: this.#fallback };
  }

  /** The pool, once it was started; also useful alone. */
  get pool(): PortablePool | null {
    return this.#pool;
  }

  // ---- systems -------------------------------------------------------------------------------------

  /** Adds a job as a system, or a system by the notes' names. Mistakes of the plan are looked for
   * when the next frame begins, all at once. Returns what takes it away again. */
  register<R extends readonly AnyComponent[], W extends readonly AnyComponent[], X>(
    job: Job<R, W, X>, when?: When<NoInfer<X>>): () => void;
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
    this.#stale = true;
    this.#doTo(system.name, 0);
  }

  /** Takes a system away by name. false: there is none. */
  unregister(name: string): boolean {
    const system = this.#systems.find(s => s.name === name);
    if (system) this.#remove(system);
    return system !== undefined;
  }

  /** Adds the systems and entities of a scene, C systems beside JavaScript's. The world moves into
   * the scene's module with all that it holds, so a world can have one scene. */
  addScene(scene: Scene, params: Readonly<Record<string, string | number>> = {}): void {
    if (this.#inFrame) throw busy();
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
    scene.build(this.#host, params, text => this.#log(3, text));
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
      this.#host.ex['skep_host_system_state']!(this.#host.address, place![0]));
    return { enabled: (bits & 1) !== 0, quarantined: (bits & 2) !== 0, batch: bits >>> 2 };
  }

  #doTo(name: string, what: number, strict = false): void {
    const status = this.#host.withTexts([name], ([place]) =>
      this.#host.ex['skep_host_system_do']!(this.#host.address, place![0], what));
    if (strict && status !== STATUS.OK) throw this.#host.error(status);
  }

  /** The systems' names in their total order. Throws PlanError. */
  order(): string[] {
    this.#sync();
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

  /** Tells the plan of all systems anew, if they or the place where they run changed. */
  #sync(): void {
    if (!this.#stale) return;
    for (const system of this.#systems) {
      if (system.nameAt) this.#doTo(system.name, 0);
    }
    for (const system of this.#systems) {
      system.buffers?.release();
      system.buffers = null;
      this.#addToPlan(system);
    }
    this.#stale = false;
    const status = this.#host.ex['skep_host_build']!(this.#host.address);
    if (status === STATUS.PLAN) throw this.#mistakes();
    if (status !== STATUS.OK) throw this.#host.error(status);
    for (const system of this.#systems) {
      if (!system.enabled) this.#doTo(system.name, 2);
    }
  }

  #mistakes(): PlanError {
    this.#stale = true;
    const count = this.#host.word(0);
    const lines = Array.from({ length: count }, (_, i) =>
      this.#host.instance.text(this.#host.ex['skep_host_mistake']!(this.#host.address, i)));
    const named = this.#systems.map(s => s.name).filter((name, i, all) =>
      all.indexOf(name) === i && lines.some(line => line.includes(`"${name}"`)));
    this.#drainLog(true);
    return new PlanError(`${count} mistake${count > 1 ? 's' : ''}, nothing was run\n  `
      + lines.join('\n  '), named, lines);
  }

  #addToPlan(system: System): void {
    system.runOnly = this.#nowhere(system);
    const access = accessOf(this.world, system);
    const { after, before } = system;
    const host = this.#host;
    const uses = access?.uses.length ?? 0;
    const texts = [system.name, system.stage, ...after, ...before];
    host.withTexts(texts, places => {
      const words = [...places[0]!, ...places[1]!,
        (system.run ? FLAGS.runMayFail : 0) | (system.skipIfEmpty ? FLAGS.skipEmpty : 0),
        system.every, system.deadlineMs ?? 0, system.id, system.run ? 1 : 0,
        access?.jobFlags ?? NO_JOB, access?.spawnMax ?? 0, access ? uses : NO_JOB, after.length,
        before.length, access?.overwrite ? 1 : 0,
        ...(access?.uses ?? []).flatMap(use => [use.address, use.mode]),
        ...places.slice(2).flat()];
      host.instance.u32.set(words.map(w => w >>> 0), host.io);
      host.call('skep_host_system');
    });
    system.nameAt = 1;
    if (!access || access.jobFlags === NO_JOB) return;
    system.jobAt = host.word(uses);
    access.bind(Array.from({ length: uses }, (_, i) => host.word(i)));
    if (!system.binding) return;
    this.#runtime.add(system.binding, system.job!.handle as never, this.#scratch);
    system.here = this.#missing(system.binding.id) !== null;
    if (system.here) this.#handOver(system.jobAt);
  }

  /** Has wasm leave a job's tasks to this thread. */
  #handOver(job: number): void {
    this.#host.instance.u32[(job + JOB.flags) >> 2]! |= JOB_HANDED;
  }

  #missing(id: number): string | null {
    const executor = this.#executor;
    return executor instanceof SharedExecutor || executor instanceof CopiedExecutor
      ? executor.missing(id) : null;
  }

  /** Whether there is no place for a system's job, but a `run` of its own. */
  #nowhere(system: System): boolean {
    if (!system.offload || !system.run || !this.#pool) return false;
    return this.#jobName(system) === null;
  }

  /** What the pool finds a notes' job by, or null. */
  #jobName(system: System): string | null {
    const offload = system.offload!;
    const kind = this.#pool?.kind ?? 'local';
    if (kind === 'web') return offload.browserJobName ?? system.name;
    if (offload.nodeModule !== undefined && (kind === 'node' || typeof process !== 'undefined')) {
      return String(offload.nodeModule);
    }
    const name = offload.browserJobName ?? system.name;
    return servedJobs.has(name) ? name : offload.nodeModule !== undefined
      ? String(offload.nodeModule) : null;
  }

  /** Sends workers what they do not know yet. */
  async #bindAll(): Promise<void> {
    for (const system of this.#systems) {
      if (!system.binding || this.#executor === this.#local) continue;
      const why = await this.#executor.bind(system.binding);
      const here = why !== null;
      if (here && !system.here) {
        this.#handOver(system.jobAt);
        this.#log(2, `system "${system.name}" runs on the caller: ${why}`);
      }
      system.here = here;
    }
  }

  // ---- frames --------------------------------------------------------------------------------------

  /** Runs a frame of `dt` seconds. `time`: what systems see as the time, the sum of all dt by
   * default. While one runs, its promise is given again, and the call is counted. Rejects with
   * PlanError, LimitError, ClosedError; faults of jobs are in the report. */
  runFrame(dt: number, time = -1, options: { parallel?: boolean } = {}): Promise<FrameReport> {
    if (this.#closing) return Promise.reject(closed());
    if (this.#running) {
      this.#overlaps++;
      return this.#running;
    }
    const frame = this.#runFrame(dt, time, options.parallel ?? true);
    this.#running = frame;
    const over = (): void => { this.#running = null; };
    frame.then(over, over);
    return frame;
  }

  async #runFrame(dt: number, time: number, parallel: boolean): Promise<FrameReport> {
    if (parallel && !this.#ready) void this.initPool().catch(() => {});
    if (parallel) await this.#ready;
    if (this.#closing) throw closed();
    const stale = this.#stale;
    this.#sync();
    if (stale) await this.#held(this.#bindAll());
    const frame = this.#frame(dt, time, parallel ? this.#executor : this.#local);
    if ('frame' in frame) return frame;
    const step = frame.next();
    return step.done ? step.value : this.#held(this.#drive(frame, step.value));
  }

  /** Goes on with a frame that waits. */
  async #drive(frame: Generator<unknown, FrameReport, unknown>, first: unknown):
    Promise<FrameReport> {
    let promise = first;
    for (;;) {
      let step: IteratorResult<unknown, FrameReport>;
      try {
        step = frame.next(await promise);
      } catch (error) {
        step = frame.throw(error);
      }
      if (step.done) return step.value;
      promise = step.value;
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
    if (this.#inFrame) throw busy();
    this.#sync();
    const frame = this.#frame(dt, time, this.#local);
    if ('frame' in frame) return frame;
    let step = frame.next();
    while (!step.done) {
      step = frame.throw(new SkepError('E_UNSUPPORTED', 'it gave a promise, and tick() cannot wait',
        { hint: 'await runFrame() instead' }));
    }
    return step.value;
  }

  /** Begins a frame and goes as far as one call into wasm leads: for frames without JavaScript's own
   * `run`s and workers that is the end. Else gives the generator that does the rest. */
  #frame(dt: number, time: number, executor: Executor):
    FrameReport | Generator<unknown, FrameReport, unknown> {
    const began = performance.now();
    this.world.flush();
    this.#inFrame = true;
    if (this.#thrown.length) this.#thrown = [];
    if (this.#applied.length) this.#applied = [];
    if (this.#kept.size) this.#kept.clear();
    this.#broken = null;
    this.world.guard = this.#guardObjects;
    this.#begun = false;
    let rest = false;
    try {
      this.#enter(executor, this.#checks(executor));
      const extras = this.#extras(dt, time);
      const sent = extras.length ? executor.setExtras(extras) : undefined;
      const step = sent ? -1 : this.#first(dt, time);
      if (step === STEP.end && !this.#applied.length) {
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

  /** Ends a frame, whatever came of it. */
  #shut(executor: Executor): void {
    const host = this.#host;
    if (this.#begun) host.ex['skep_host_abort']!(host.address);
    executor.leave();
    this.#inFrame = false;
    this.world.guard = null;
    this.#frames++;
    if (!host.closed) this.#drainLog();
  }

  *#rest(executor: Executor, dt: number, time: number, began: number,
         sent: Promise<void> | undefined, first: number): Generator<unknown, FrameReport, unknown> {
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
    const step = this.#guarded('skep_host_frame', dt, when);
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

  #guardObjects = (): void => {
    if (!this.#inRun) {
      throw new SkepError('E_BUSY', 'a frame runs: values of object components can be written between '
        + 'frames, or in a system\'s run');
    }
  };
  #inRun = false;

  #checks(executor: Executor): boolean {
    const mode = this.#options.check ?? (executor.kind === 'local' ? 'sample' : false);
    if (mode !== 'sample' || !this.#systems.some(s => s.binding)) return mode === true;
    return this.#frames < this.#checkUntil || this.#frames % CHECK_EVERY === 0;
  }

  *#steps(executor: Executor, dt: number, time: number, first: number):
    Generator<unknown, void, unknown> {
    const host = this.#host;
    const pending = new Set<Promise<void>>();
    for (let step = first; ; step = this.#guarded('skep_host_step')) {
      this.#applyObjects();
      if (this.#broken) {
        // None of them may deliver into a later frame.
        while (pending.size) yield Promise.race(pending);
        throw this.#broken.error;
      }
      switch (step) {
        case STEP.end: return;
        case STEP.run: yield* this.#run(host.word(0), dt, time); break;
        case STEP.handed: yield* this.#handed(executor, host.word(0), pending); break;
        case STEP.wait: yield executor.wait(); break;
        default: throw host.error(host.word(0));
      }
    }
  }

  /** Goes on in wasm. A trap there is one of a system's C function: it failed, and the frame goes
   * on. */
  #guarded(name: string, ...args: number[]): number {
    const host = this.#host;
    const stack = host.ex.__stack_pointer.value as number;
    try {
      return host.ex[name]!(host.address, ...args);
    } catch (error) {
      host.ex.__stack_pointer.value = stack;
      this.#threw({ worker: 0, system: '', error, block: -1 });
      host.call('skep_host_run_done', STATUS.FAULT, this.#runtime.cause(describe(error)));
      return this.#guarded('skep_host_step');
    }
  }

  #context(system: System, dt: number, time: number): SystemContext {
    return { world: this.world, dt, time: time < 0 ? this.world.time : time,
      tick: this.world.tick, stage: system.stage, resources: this.resources,
      cmd: new Commands(this.world) };
  }

  *#run(id: number, dt: number, time: number): Generator<unknown, void, unknown> {
    const host = this.#host;
    const system = this.#systems.find(s => s.id === id)!;
    const objects = this.world.shareObjects();
    let status: number = STATUS.OK;
    let cause = 0;
    this.#inRun = true;
    try {
      const result = system.run!(this.#context(system, dt, time));
      if (typeof (result as PromiseLike<void> | undefined)?.then === 'function') yield result;
      this.world.flush();
    } catch (error) {
      status = STATUS.FAULT;
      cause = this.#runtime.cause(describe(error));
      this.#threw({ worker: 0, system: system.name, error, block: -1 });
      this.world.dropQueue();
      this.world.restoreObjects(objects);
    } finally {
      this.#inRun = false;
    }
    host.call('skep_host_run_done', status, cause);
  }

  // ---- extra ---------------------------------------------------------------------------------------

  /** What changed of the systems' `extra`, copied. */
  #extras(dt: number, time: number): [number, unknown][] {
    const changed: [number, unknown][] = [];
    for (const system of this.#systems) {
      if (!system.extra || system.runOnly) continue;
      const value = system.extra(this.#context(system, dt, time));
      if (system.extraKnown && sameValue(value, system.lastExtra)) continue;
      system.lastExtra = this.#copyExtra(system, value);
      system.extraKnown = true;
      this.#runtime.setExtra(system.id, system.lastExtra);
      if (system.binding) changed.push([system.id, system.lastExtra]);
    }
    return changed;
  }

  #copyExtra(system: System, value: unknown): unknown {
    try {
      return structuredClone(value);
    } catch (cause) {
      throw new JobError(`DataCloneError in \`extra\` of system "${system.name}": `
        + findUncloneable(value), { system: system.name, frame: this.world.tick },
        { code: 'E_ARGUMENT', cause, hint: 'pass only what structuredClone can copy' });
    }
  }

  // ---- tasks that wasm hands over ------------------------------------------------------------------

  *#handed(executor: Executor, count: number, pending: Set<Promise<void>>):
    Generator<unknown, void, unknown> {
    const host = this.#host;
    executor.batch();
    const tasks = Array.from({ length: count }, (_, i): HandedTask => {
      const task = host.ex['skep_host_handed']!(host.address, i);
      return { task, number: host.word(0), job: host.word(1),
        id: host.word(2) === NO_JOB ? -1 : host.word(2), flags: host.word(3) };
    });
    for (const task of tasks) {
      const system = task.id < 0 ? undefined : this.#systems.find(s => s.id === task.id);
      const work = system?.whole ? this.#whole(system, task, executor)
        : system?.here ? this.#direct(task) : executor.take(task) ?? this.#direct(task);
      if (!work) continue;
      const done = work.catch((error: unknown) => { this.#broken ??= { error }; }).then(() => {
        pending.delete(done);
        executor.wake();
      });
      pending.add(done);
    }
    if (executor === this.#local) while (pending.size) yield Promise.race(pending);
  }

  /** Runs a task on this thread. */
  #direct(task: HandedTask): undefined {
    const host = this.#host;
    const { u32, u8 } = host.instance;
    const at = this.#result;
    u8.fill(0, at, at + RESULT.size);
    const room = host.layout.slots + 24;
    host.instance.imports.guard(task.task, task.job, task.flags, room, at);
    const word = (offset: number): number => u32[(at + offset) >> 2]!;
    host.ex['skep_host_deliver']!(host.address, task.number, word(RESULT.status),
      word(RESULT.cause), 0, word(RESULT.bytes), word(RESULT.wanted), 0);
    return undefined;
  }

  #deliver(task: HandedTask, status: number, cause: number, bytes: number, wanted: number): void {
    this.#host.ex['skep_host_deliver']!(this.#host.address, task.number, status, cause, 0, bytes,
                                        wanted, 0);
  }

  /** Runs a job that gets all rows. undefined: it is done already. */
  #whole(system: System, handed: HandedTask, executor: Executor): Promise<void> | undefined {
    const task = new WholeTask(this.world, handed.task);
    const kept = this.#kept.get(system.id);
    if (kept) {
      this.#finish(system, handed, kept.output);
      return undefined;
    }
    const binding = system.whole!;
    const frame = handed.task + POOL_TASK.frame;
    const { u32, f32, f64 } = this.#host.instance;
    const at = u32[frame >> 2]!;
    const buffers = system.buffers ??= new WholeBuffers(this.#host);
    const input = task.input(binding, buffers, { dt: f32[(at + 24) >> 2]!, time: f64[at >> 3]!,
      tick: u32[(at + 8) >> 2]! + u32[(at + 12) >> 2]! * 4294967296, extra: system.lastExtra,
      seed: u32[(at + 16) >> 2]! + u32[(at + 20) >> 2]! * 4294967296, resources: {} });
    const take = (result: unknown): void => {
      try {
        const output = binding.notes ? packPatches(this.world, task, binding, result)
          : packResult(this.world, task, binding, input, result as WholeResult);
        this.#finish(system, handed, output);
      } catch (error) {
        this.#fail(system, handed, error);
      }
    };
    try {
      const result = this.#callWhole(system, binding, input, executor);
      if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') {
        take(result);
        return undefined;
      }
      return (result as Promise<unknown>).then(take,
        (error: unknown) => this.#fail(system, handed, error));
    } catch (error) {
      this.#fail(system, handed, error);
      return undefined;
    }
  }

  #callWhole(system: System, binding: WholeBinding, input: ReturnType<WholeTask['input']>,
             executor: Executor): unknown {
    const pool = executor === this.#local ? null : this.#pool;
    const limit = system.deadlineMs === undefined ? {} : { deadlineMs: system.deadlineMs };
    if (!binding.notes) {
      const job = system.job!;
      const known = job.module !== undefined || servedElsewhere(this.#pool, job.name);
      if (pool && pool.kind !== 'local' && known) return pool.run(job, input, limit);
      return runWhole(job, input);
    }
    const data = notesInput(input, binding);
    const name = this.#jobName(system);
    if (pool && name !== null) return pool.run(name, data, limit);
    return fetchJob(isServed(name) ? { served: name!, name: name!, key: name! }
      : { module: name ?? system.name, name: name ?? system.name, key: name ?? system.name })
      .then(job => (isJob(job) ? job.handle(data as never)
        : job(structuredClone(data))) as unknown);
  }

  #finish(system: System, task: HandedTask, output: WholeOutput): void {
    const { u32, u8 } = this.#host.instance;
    const word = (offset: number): number => u32[(task.task + offset) >> 2]!;
    const cells = word(POOL_TASK.cellsBytes);
    const room = word(POOL_TASK.outputBytes) - cells;
    if (output.bytes.length > room) {
      this.#kept.set(system.id, { output });
      return this.#deliver(task, STATUS.LIMIT, this.#runtime.cause('the output area is full: '
        + 'raise patch_bytes_max'), 0, cells + output.bytes.length);
    }
    if (output.bytes.length) u8.set(output.bytes, word(POOL_TASK.output) + cells);
    this.#applied.push({ system, changes: output.changes, dropped: output.dropped });
    this.#deliver(task, STATUS.OK, 0, cells + output.bytes.length, 0);
  }

  #fail(system: System, task: HandedTask, error: unknown): void {
    system.buffers?.drop();
    const cause = error instanceof JobError && error.cause !== undefined ? error.cause : error;
    this.#threw({ worker: 0, system: system.name, error: cause === undefined ? error : cause,
      block: 0 });
    const text = this.#runtime.cause(describe(cause));
    this.#deliver(task, STATUS.FAULT, text, 0, 0);
  }

  /** After a batch has committed: makes the changes of object components of those systems whose
   * output counts. */
  #applyObjects(): void {
    if (!this.#applied.length) return;
    const rest: Applied[] = [];
    for (const applied of this.#applied) {
      const outcome = this.#host.withTexts([applied.system.name], ([place]) =>
        this.#host.ex['skep_host_outcome']!(this.#host.address, place![0]));
      if (!this.#committed(applied.system)) {
        rest.push(applied);
        continue;
      }
      if (outcome !== 2) continue;
      for (const { known, entity, value } of applied.changes) {
        this.world.changeObject(known.info, entity, value);
      }
      this.world.countDropped(applied.dropped);
    }
    this.#applied = rest;
  }

  /** Whether the batch of a system is over: nothing of it is outstanding any more. */
  #committed(system: System): boolean {
    return this.#host.withTexts([system.name], ([place]) =>
      this.#host.ex['skep_host_committed']!(this.#host.address, place![0])) === 1;
  }

  // ---- reports -------------------------------------------------------------------------------------

  #threw(thrown: Thrown): void {
    this.#thrown.push(thrown);
    const listeners = this.#faultListeners;
    this.#faultListeners = [];
    for (const listener of listeners) listener();
  }

  #report(executor: Executor, began: number): FrameReport {
    const host = this.#host;
    host.ex['skep_host_report']!(host.address);
    this.#faultCount = host.word(26);
    const report: FrameReport = { frame: host.wide(0), batches: host.word(2),
      systems: host.word(4), tasks: host.word(6), reruns: host.word(8), retries: host.word(10),
      rows: host.wide(12), blocksCopied: host.wide(14), patches: host.wide(16),
      blocksInPlace: host.wide(18), dropped: host.wide(20), overlaps: this.#overlaps, faults: [],
      executor: executor.kind, ms: performance.now() - began };
    this.world.fireHooks();
    return report;
  }

  *#faults(executor: Executor, count: number, report: FrameReport):
    Generator<unknown, void, unknown> {
    const faults = report.faults as JobError[];
    for (let i = 0; i < count; i++) faults.push(yield* this.#fault(executor, i));
    const { onFault } = this.#options;
    if (typeof onFault === 'function') for (const fault of faults) onFault(fault);
    const bad = faults.find(fault => fault.action !== 'healed');
    if (onFault === 'throw' && bad) throw bad;
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
    while (!thrown && worker > 0 && executor !== this.#local && performance.now() < until) {
      yield Promise.race([new Promise<void>(resolve => this.#faultListeners.push(resolve)),
        new Promise(resolve => setTimeout(resolve, FAULT_WAIT_MS / 5))]);
      thrown = this.#find(system, block, worker);
    }
    const code = thrown?.error instanceof SkepError ? thrown.error.code : 'E_JOB';
    return new JobError(message, { system, worker, frame: words[0]!, block,
      retried: words[13] !== 0, action: ACTIONS[words[1]!]! },
      { code, cause: thrown ? thrown.error : new Error(text) });
  }

  #find(system: string, block: number | null, worker: number): Thrown | undefined {
    const own = this.#thrown.filter(t => t.system === system);
    return own.find(t => t.block === (block ?? -1)) ?? own[0]
      ?? this.#thrown.find(t => t.system === '' && t.worker === worker);
  }

  #log(level: number, text: string): void {
    if (this.#options.log) this.#options.log(level, text);
    else if (level >= 3) console.error(text);
    else if (level === 2) console.warn(text);
  }

  #drainLog(quiet = false): void {
    for (const { level, text } of this.#host.takeLog()) if (!quiet) this.#log(level, text);
  }

  // ---- loops and the end ---------------------------------------------------------------------------

  /** Runs frames at a fixed rate, with bounded catch-up; see Loop. */
  start(options: LoopOptions = {}): Loop {
    if (this.#closing) throw closed();
    return new Loop(this, options);
  }

  /** Ends the workers in bounded time; what runs is settled. Twice is fine. The world stays usable,
   * also for a scheduler of its own. */
  close(options: { mode?: 'now' | 'drain'; timeoutMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(options));
  }

  async #close(options: { mode?: 'now' | 'drain'; timeoutMs?: number }): Promise<void> {
    const limit = options.timeoutMs ?? (options.mode === 'drain' ? 10000 : 1000);
    if (this.#ready) await Promise.race([this.#ready.catch(() => {}), sleep(limit)]);
    if (this.#running) {
      // Workers are ended below: a frame that waits for them goes on without.
      const over = this.#running.then(() => {}, () => {});
      if (options.mode === 'drain') await Promise.race([over, sleep(limit)]);
      await this.#endFrame(over, limit);
    }
    this.#executor.close();
    await this.#pool?.close(options);
    if (this.#host.closed) return;
    this.#local.enter(false);
    // The world's next scheduler may have systems of the same names.
    if (!this.#inFrame) for (const { name, nameAt } of this.#systems) if (nameAt) this.#doTo(name, 0);
  }

  /** Ends the workers below a running frame, so that it comes to its end. */
  async #endFrame(over: Promise<void>, limit: number): Promise<void> {
    const pool = this.#pool;
    if (!this.#running) return;
    await Promise.race([over, sleep(Math.min(limit, 200))]);
    if (!this.#running) return;
    await pool?.close({ mode: 'now', timeoutMs: limit });
    this.#executor.wake();
    await Promise.race([over, sleep(limit)]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function closed(): ClosedError {
  return new ClosedError('the scheduler is closed', { hint: 'make another for the world' });
}

function busy(): SkepError {
  return new SkepError('E_BUSY', 'a frame is running', { hint: 'await it first' });
}

function isServed(name: string | null): boolean {
  return name !== null && servedJobs.has(name);
}

function servedElsewhere(pool: PortablePool | null, name: string): boolean {
  return pool?.serves(name) ?? false;
}

/** Whether two values that can be cloned are the same as far as is cheap to tell. */
function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return typeof a !== 'object' || a === null;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
  if (Object.getPrototypeOf(a) !== Object.prototype) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(key =>
    sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

export { isWholeJob };
