// SPDX-License-Identifier: MIT
// What a pool offers to the executors of this package beside `run`: its workers as slots that keep
// their number while the threads in them come and go, word of each that comes up or is lost, and
// messages of their own, which share the workers with whatever `run` sends them.

/** One place for a worker. The object stays, the thread in it may be replaced. */
export interface PoolWorker {
  /** From 1. */
  readonly slot: number;
  /** Which of the slot's threads this is, from 1; goes up when a thread is made. */
  readonly generation: number;
  /** It has said hello and was not lost since. */
  readonly up: boolean;
  /** Resolves when all earlier threads of this slot are surely gone. In shared memory nothing of
   * theirs may be used again before. */
  readonly gone: Promise<void>;
  /** Posts an extension message; throws what cannot be cloned, does nothing when it is not up. */
  post(type: string, data: unknown, transfer?: readonly Transferable[]): void;
  /** Called behind each message that is posted to the worker, by whoever lets it sleep where
   * messages do not wake it. */
  nudge: (() => void) | null;
}

/** The executors' side of a pool. Each `on` returns what takes its callback away. */
export interface PoolHost {
  readonly kind: 'node' | 'web' | 'local';
  /** The slots, 1 to size; none in process. */
  readonly workers: readonly PoolWorker[];
  /** Why the pool has failed, or null. */
  readonly failed: Error | null;
  /** Called for each worker that is up, now and whenever one comes up. */
  onUp(call: (worker: PoolWorker) => void): () => void;
  /** Called at once for each worker that was up and is lost (its generation is still the lost
   * one's), before it is replaced. */
  onLost(call: (worker: PoolWorker, cause: Error) => void): () => void;
  /** Called for each slot that will never come up again. */
  onGivenUp(call: (worker: PoolWorker, cause: Error) => void): () => void;
  /** Called for each extension message of a type. */
  onMessage(type: string, call: (worker: PoolWorker, data: unknown) => void): () => void;
  /** Ends a worker and makes a new one; onLost is told. Resolves when the old thread is surely
   * gone. A worker that is down is being replaced already: then it only waits. */
  replace(worker: PoolWorker, cause: Error): Promise<void>;
  /** Whether a worker runs a job of `run`. */
  busy(worker: PoolWorker): boolean;
  /** Keeps a Node process alive for an executor's work, as a pending `run` does. Calls are
   * counted: each true wants its false. */
  keepAlive(on: boolean): void;
}
