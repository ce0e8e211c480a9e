// SPDX-License-Identifier: MIT
// Drives the laboratory (lab_wasm.c) over the package's executors, the same in Node and in a page.
// Executors are made on a real host of the laboratory's module, as a scheduler makes them, and run
// batches that no plan made. So what is under test is a pool as the plan sees it, with the
// executor's way to hand out, wait, lose and replace.

import { CoreModule } from '../../../js/dist/core/core_module.js';
import { Host } from '../../../js/dist/core/host.js';
import { RESULT, SLOT } from '../../../js/dist/core/layout.js';
import { CopiedExecutor } from '../../../js/dist/executor/copied.js';
import {
  callerPlace,
  LocalExecutor,
  type Executor,
  type HandedTask,
} from '../../../js/dist/executor/executor.js';
import { JobRuntime } from '../../../js/dist/executor/job_runtime.js';
import { SharedExecutor } from '../../../js/dist/executor/shared.js';
import { createPortablePool, type PoolHost, type PoolOptions } from '../../../js/dist/pool/pool.js';

/** What the package keeps to itself, and its executors stand on. */
type Pool = Awaited<ReturnType<typeof createPortablePool>> & PoolHost;

/** Where batches run. */
export interface LabPlace {
  kind: 'local' | 'shared' | 'copied';
  workers: number;
  /** The worker's module, where there is no default one. */
  worker?: string;
}

const DEADLINE_MS = 400;
const MEMORY = 256 << 20;

function poolOptions(place: LabPlace): PoolOptions {
  const { worker, workers } = place;
  if (!worker) return { executor: 'node', size: workers };
  return {
    executor: 'web',
    size: workers,
    createWorker: () => new Worker(worker, { type: 'module' }),
  };
}

/** A host of the laboratory, with an executor. */
export class Lab {
  readonly place: LabPlace;
  readonly host: Host;
  readonly runtime: JobRuntime;
  executor: Executor;
  pool: Pool | null = null;
  readonly #result: number;

  private constructor(module: Uint8Array<ArrayBuffer>, place: LabPlace) {
    this.place = place;
    this.host = new Host({
      limits: { entities: 64 },
      seed: 1n,
      memoryMax: MEMORY,
      workersMax: 8,
      core: new CoreModule(() => module),
      ...(place.kind === 'shared' ? { shared: true } : {}),
      ...(place.kind === 'copied' ? { shared: false } : {}),
    });
    this.#result = this.host.alloc(RESULT.size);
    this.runtime = new JobRuntime(this.host.instance, callerPlace(this.host), () => {});
    this.executor = new LocalExecutor(this.host, this.#options());
  }

  static async open(module: Uint8Array<ArrayBuffer>, place: LabPlace): Promise<Lab> {
    const lab = new Lab(module, place);
    await lab.start();
    return lab;
  }

  #options(): { deadlineMs: number; check: boolean; force: boolean } {
    return { deadlineMs: DEADLINE_MS, check: false, force: false };
  }

  /** Makes the workers and the executor on them. */
  async start(): Promise<void> {
    const { place, host } = this;
    if (place.kind === 'local') return;
    this.pool = (await createPortablePool(poolOptions(place))) as Pool;
    this.pool.keepAlive(true);
    const executor =
      place.kind === 'shared'
        ? new SharedExecutor(host, this.pool, this.#options(), () => {})
        : new CopiedExecutor(
            host,
            this.pool,
            this.#options(),
            () => {},
            text => this.runtime.cause(text),
          );
    this.executor = executor;
    await executor.start();
  }

  /** Ends executor and workers; the host stays. */
  async stop(): Promise<void> {
    this.executor.close();
    await this.pool?.close();
    this.pool = null;
  }

  #tasks(count: number): HandedTask[] {
    const { host } = this;
    return Array.from({ length: count }, (_, i) => {
      const task = host.ex['skep_host_handed']!(host.address, i);
      return { task, number: host.word(0), job: host.word(1), id: -1, flags: host.word(3) };
    });
  }

  /** Runs a handed task on this thread, as the scheduler does. */
  #direct(task: HandedTask): void {
    const { host } = this;
    const { u8, u32 } = host.instance;
    const at = this.#result;
    u8.fill(0, at, at + RESULT.size);
    const stack = host.ex.__stack_pointer.value as number;
    const room = host.layout.slots + SLOT.room;
    host.instance.imports.guard(task.task, task.job, task.flags, room, at, stack);
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
  }

  /** Starts the batch that the case asked for. */
  begin(): void {
    const { host, executor } = this;
    executor.enter(false);
    const handed = host.ex['lab_start']!();
    if (handed === 0xffffffff || handed === -1) throw new Error('the pool did not start the batch');
    if (!handed) return;
    const tasks = this.#tasks(handed);
    executor.batch(tasks[0]!.flags);
    for (const task of tasks) {
      const work = executor.take(task);
      if (work) void work.then(() => executor.wake());
      else this.#direct(task);
    }
  }

  async #run(): Promise<void> {
    this.begin();
    while (this.host.ex['lab_wait']!()) {
      await this.executor.wait(false);
    }
    this.executor.leave();
  }

  #why(name: string, stage: number, at: number): void {
    if (at) throw new Error(`${name}, stage ${stage}: ${this.host.instance.text(at)}`);
  }

  /** The names of the cases, in their order. */
  names(): string[] {
    const names: string[] = [];
    for (;;) {
      const at = this.host.ex['lab_case_name']!(names.length);
      if (!at) return names;
      names.push(this.host.instance.text(at));
    }
  }

  /** Begins a case and brings it to its first batch. */
  first(number: number): void {
    const { host, place } = this;
    host.ex['lab_case_begin']!(
      host.address,
      number,
      place.workers,
      place.kind === 'copied' ? 1 : 0,
    );
    this.#why(this.names()[number]!, 0, host.ex['lab_case_step']!(0));
  }

  /** Runs a case; throws what did not hold. */
  async check(number: number): Promise<void> {
    const { ex } = this.host;
    const name = this.names()[number]!;
    this.first(number);
    for (let stage = 1; ex['lab_case_runs']!(); stage++) {
      await this.#run();
      this.#why(name, stage, ex['lab_case_step']!(stage));
    }
    ex['lab_case_end']!();
  }

  /** Starts a batch that nobody waits for, ends all workers, and forgets it. */
  async abandon(number: number): Promise<void> {
    this.first(number);
    this.begin();
    await this.stop();
    this.host.ex['lab_abandon']!();
    this.host.ex['lab_case_end']!();
  }
}

async function fetched(url: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

/** For a page: runs all cases at each place; returns what did not hold, and what was run. */
export async function runAll(
  url: string,
  places: readonly LabPlace[],
): Promise<{ bad: string[]; ran: string[] }> {
  const module = await fetched(url);
  const bad: string[] = [];
  const ran: string[] = [];
  for (const place of places) {
    const lab = await Lab.open(module, place);
    for (const [number, name] of lab.names().entries()) {
      try {
        await lab.check(number);
      } catch (error) {
        bad.push(`${place.kind} ${place.workers}: ${String(error)}`);
      }
      ran.push(name);
    }
    await lab.stop();
  }
  return { bad, ran };
}
