// SPDX-License-Identifier: MIT
// One face for the two kinds of workers: Node's, which emit, and the web's, which dispatch events.
// A link reports a loss at most once, whatever comes after it (error, messageerror and exit come in
// any order), and knows when the thread is surely gone.

import { after } from './env.js';
import { describe, toError } from './faults.js';

/** A Web Worker, or a worker of worker_threads. */
export interface WorkerLike {
  postMessage(message: unknown, transfer?: never): void;
  terminate(): unknown;
}

interface NodeWorker extends WorkerLike {
  on(event: string, listener: (value: never) => void): unknown;
  unref(): void;
}

interface WebWorker extends WorkerLike {
  addEventListener(type: string, listener: (event: never) => void): void;
}

export interface LinkEvents {
  message(message: unknown): void;
  lost(cause: Error): void;
}

export interface Link {
  /** Posts; throws what cannot be cloned. */
  post(message: unknown, transfer?: readonly Transferable[]): void;
  /** Ends the thread; events are no longer reported. Resolves when it is surely gone: on Node when
   * its exit was seen; a Web Worker's end cannot be seen, so a second after terminate(). */
  end(): Promise<void>;
  /** Resolves when a Node thread has ended by itself; on the web never. */
  readonly ended: Promise<void>;
  /** Whether the end of the thread can be seen. */
  readonly seesEnd: boolean;
}

/** A web worker that was terminated runs on until its next safe point. */
const GRACE_MS = 1000;

function nodeLink(worker: NodeWorker, events: LinkEvents): Link {
  let open = true;
  let exited = false;
  let gone!: () => void;
  const ended = new Promise<void>(resolve => {
    gone = resolve;
  });
  const lose = (cause: Error): void => {
    if (!open) return;
    open = false;
    events.lost(cause);
  };
  worker.on('message', (message: unknown) => {
    if (open) events.message(message);
  });
  worker.on('error', (error: unknown) => lose(toError(error)));
  worker.on('messageerror', (error: unknown) =>
    lose(new Error(`a message of the worker could not be read: ${describe(error)}`)),
  );
  worker.on('exit', (code: number) => {
    exited = true;
    lose(new Error(`the worker exited with code ${code}`));
    gone();
  });
  worker.unref();
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as never),
    end() {
      open = false;
      if (!exited) void worker.terminate();
      return ended;
    },
    ended,
    seesEnd: true,
  };
}

function errorOf(event: ErrorEvent): Error {
  if (event.error) return toError(event.error);
  const where = event.filename ? ` (${event.filename}:${event.lineno})` : '';
  return new Error(
    event.message
      ? `${event.message}${where}`
      : "the worker's script could not be loaded or was blocked",
  );
}

function webLink(worker: WebWorker, events: LinkEvents): Link {
  let open = true;
  const lose = (cause: Error): void => {
    if (!open) return;
    open = false;
    events.lost(cause);
  };
  worker.addEventListener('message', (event: MessageEvent) => {
    if (open) events.message(event.data);
  });
  worker.addEventListener('error', (event: ErrorEvent) => {
    event.preventDefault?.();
    lose(errorOf(event));
  });
  worker.addEventListener('messageerror', () =>
    lose(new Error('a message of the worker could not be read')),
  );
  return {
    post: (message, transfer) => worker.postMessage(message, (transfer ?? []) as never),
    end() {
      open = false;
      worker.terminate();
      return new Promise(resolve => {
        after(GRACE_MS, resolve);
      });
    },
    ended: new Promise(() => {}),
    seesEnd: false,
  };
}

/** Links a worker that was just made. Throws TypeError for what is none. */
export function makeLink(worker: unknown, events: LinkEvents): Link {
  const w = worker as Partial<NodeWorker & WebWorker> | null | undefined;
  if (typeof w?.postMessage === 'function' && typeof w.terminate === 'function') {
    if (typeof w.on === 'function') return nodeLink(w as NodeWorker, events);
    if (typeof w.addEventListener === 'function') return webLink(w as WebWorker, events);
  }
  throw new TypeError('createWorker returned something that is no Worker');
}
