// SPDX-License-Identifier: MIT
// What browser_harness.test.ts runs in a page: asks the browser what it can do, and whether workers
// start, without anything of skep's scheduler in between.

import { cos } from 'skep/math';

/** What the page may do. */
export function abilities(): Record<string, unknown> {
  return {
    isolated: globalThis.crossOriginIsolated,
    shared: typeof SharedArrayBuffer,
    waitAsync: typeof Reflect.get(Atomics, 'waitAsync'),
  };
}

/** skep from the address that the import map, or the server, gives. */
export function cosine(x: number): number {
  return cos(x);
}

function answerOf(worker: Worker): Promise<unknown> {
  return new Promise(done => {
    worker.onmessage = event => done(event.data);
    worker.onerror = event => {
      event.preventDefault();
      done({ error: event.message || 'an error event without a message' });
    };
    worker.onmessageerror = () => done({ error: 'messageerror' });
  });
}

/** Waits, without blocking, until a word is not 0. Where there is no waitAsync, by looking. */
async function changed(words: Int32Array, index: number): Promise<string> {
  if (typeof Reflect.get(Atomics, 'waitAsync') === 'function') {
    const wait = Atomics.waitAsync(words, index, 0);
    return wait.async ? await wait.value : wait.value;
  }
  while (Atomics.load(words, index) === 0) await new Promise(done => setTimeout(done, 1));
  return 'ok';
}

/** A worker and this page wait for one another on shared memory: the worker blocks, the page never
 * does. Returns what each saw. */
export async function shareMemory(workerUrl: string): Promise<Record<string, unknown>> {
  const words = new Int32Array(new SharedArrayBuffer(16));
  const worker = new Worker(workerUrl, { type: 'module' });
  try {
    const answer = answerOf(worker);
    worker.postMessage({ words });
    const woken = await changed(words, 0);
    Atomics.store(words, 1, 7);
    Atomics.notify(words, 1);
    return { woken, worker: await answer };
  } finally {
    worker.terminate();
  }
}

/** Makes a worker; says how that ended: an exception at once, an error event, an answer, or nothing
 * within some seconds. */
export async function startWorker(url: string): Promise<Record<string, unknown>> {
  let worker: Worker;
  try {
    worker = new Worker(url, { type: 'module' });
  } catch (error) {
    return { threw: (error as Error).name };
  }
  let sync = true;
  const ended = new Promise<Record<string, unknown>>(done => {
    worker.onmessage = event => done({ answered: event.data, late: !sync });
    worker.onerror = event => {
      event.preventDefault();
      done({ errorEvent: event.constructor.name, late: !sync });
    };
    setTimeout(() => done({ silent: true }), 20_000);
  });
  worker.postMessage({ echo: 5 });
  sync = false;
  const how = await ended;
  worker.terminate();
  return how;
}

/** A worker from the text of a blob, as libraries without a file of their own do it. */
export function startBlobWorker(): Promise<Record<string, unknown>> {
  const text = 'onmessage = event => postMessage(event.data.echo + 1);';
  return startWorker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
}

/** Whether memory that is made shared can be had, and sent, without isolation. */
export function sharedMemoryAnyway(): Record<string, unknown> {
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  } catch (error) {
    return { made: (error as Error).name };
  }
  try {
    structuredClone(memory.buffer);
    return { made: true, cloned: true };
  } catch (error) {
    return { made: true, cloned: (error as Error).name };
  }
}

/** Fails in the ways that the harness must tell. */
export async function fail(how: string): Promise<string> {
  if (how === 'throw') throw new RangeError('thrown on purpose');
  if (how === 'console') console.error('said on purpose');
  if (how === 'uncaught')
    setTimeout(() => {
      throw new Error('uncaught on purpose');
    });
  if (how === 'rejection') void Promise.reject(new Error('rejected on purpose'));
  if (how === 'missing') await fetch('/nowhere.txt');
  await new Promise(done => setTimeout(done, 50));
  return 'done';
}
