// SPDX-License-Identifier: MIT
// The yardstick's pools: one of worker_threads with a queue, whose messages are structured clones,
// and one that calls the module in process.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

export interface ObjectPool {
  run(module: string, input: unknown): Promise<unknown>;
  close(): Promise<void>;
}

interface Task {
  readonly id: number;
  readonly module: string;
  readonly input: unknown;
  readonly resolve: (out: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  id: number;
  ok: boolean;
  out?: unknown;
  err?: string;
}

export class ThreadPool implements ObjectPool {
  private readonly workers: Worker[] = [];
  private readonly idle: Worker[] = [];
  private readonly queue: Task[] = [];
  private readonly running = new Map<number, Task>();
  private nextId = 1;

  constructor(size = Math.max(1, availableParallelism() - 1)) {
    for (let i = 0; i < size; i++) this.spawn();
  }

  run(module: string, input: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.queue.push({ id: this.nextId++, module, input, resolve, reject });
      this.drain();
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map(worker => worker.terminate()));
  }

  private spawn(): void {
    const worker = new Worker(new URL('./runner.ts', import.meta.url));
    worker.on('message', (answer: Answer) => {
      const task = this.running.get(answer.id)!;
      this.running.delete(answer.id);
      this.idle.push(worker);
      if (answer.ok) task.resolve(answer.out);
      else task.reject(new Error(answer.err));
      this.drain();
    });
    this.workers.push(worker);
    this.idle.push(worker);
  }

  private drain(): void {
    while (this.queue.length && this.idle.length) {
      const task = this.queue.shift()!;
      const worker = this.idle.pop()!;
      this.running.set(task.id, task);
      worker.postMessage({ id: task.id, module: task.module, input: task.input });
    }
  }
}

export class InProcessPool implements ObjectPool {
  async run(module: string, input: unknown): Promise<unknown> {
    const loaded = (await import(module)) as { handle: (input: unknown) => unknown };
    return loaded.handle(input);
  }

  async close(): Promise<void> {}
}
