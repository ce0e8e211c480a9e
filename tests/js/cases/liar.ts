// SPDX-License-Identifier: MIT
// Jobs that go wrong in every way that there is: by what they throw, by ending their thread, and by
// lying. A lie is told by the thread's own means of posting, which a job can get hold of: it
// changes the answer that the runtime is about to give for it, or posts one of its own.

import { defineComponent, defineEvent, defineJob, type Entity } from 'skep/worker';

export const Place = defineComponent({ name: 'Place', fields: { x: 'f32', y: 'f32' } });
export const Mark = defineComponent({ name: 'Mark', fields: { v: 'u32' } });
export const Flag = defineComponent({ name: 'Flag', fields: { on: 'bool' } });
export const Other = defineComponent({ name: 'Other', fields: { v: 'u32' } });
export const Card = defineComponent({ name: 'Card', defaults: () => ({ title: '' }) });
export const Deck = defineComponent({ name: 'Deck', defaults: () => ({ title: '' }) });
export const Knock = defineEvent({ name: 'Knock', fields: { by: 'u32' } });

export interface Lie {
  /** What it does; 'none' is honest work. */
  how: string;
  /** Only the block that holds this entity does it. */
  at: Entity;
  /** Only the first call that comes does it: the second try heals. */
  gate?: SharedArrayBuffer;
  /** The same where threads share nothing: only workers of the first generation, once each. */
  once?: boolean;
}

interface Task {
  status: number;
  bytes: number;
  wanted: number;
  output: unknown;
  [key: string]: unknown;
}
/** What a worker posts: of the pool, or with `data` of an executor. */
interface Message {
  skep: string;
  id?: number;
  type?: unknown;
  data?: unknown;
  value?: unknown;
  [key: string]: unknown;
}
type Post = (message: unknown, transfer?: readonly Transferable[]) => void;
interface Poster {
  postMessage: Post;
}
interface Thread {
  process?: {
    exit(code: number): void;
    getBuiltinModule(name: string): { parentPort: Poster | null };
  };
  location?: { hash: string };
  close?(): void;
}

const thread = globalThis as unknown as Thread & Poster;
const poster = (): Poster | null =>
  thread.process
    ? thread.process.getBuiltinModule('node:worker_threads').parentPort
    : typeof (globalThis as { document?: unknown }).document === 'undefined'
      ? thread
      : null;

/** Has the next message of a kind changed before it is posted; undefined: not at all. */
function change(of: (message: Message) => boolean, how: (message: Message) => void): void {
  const port = poster();
  if (!port) throw new Error('lies are for workers');
  const post = port.postMessage;
  port.postMessage = (message, transfer) => {
    if (!of(message as Message)) return post.call(port, message, transfer ?? []);
    port.postMessage = post;
    how(message as Message);
    post.call(port, message, []);
  };
}

const isDone = ({ data }: Message): boolean => (data as { kind?: string })?.kind === 'done';
const isResult = ({ skep }: Message): boolean => skep === 'result';

function task(how: (answer: Task, output: Uint8Array) => void): () => void {
  return () =>
    change(isDone, message => {
      const answer = message.data as Task;
      how(answer, new Uint8Array(answer.output as ArrayBuffer));
    });
}

/** Changes the first patch of a kind in a task's output. */
function patch(kind: number, how: (view: DataView) => void): () => void {
  return task((answer, output) => {
    for (let at = 0; at < answer.bytes;) {
      const view = new DataView(output.buffer, at);
      if (view.getUint8(0) === kind) return how(view);
      at += 16 + ((view.getUint32(4, true) + 7) & ~7);
    }
    throw new Error('the job has put out no such patch');
  });
}

type Out = Record<string, unknown>;
interface Value {
  out: Out;
  commands: Record<string, unknown>[];
}

/** Changes what a job that got all rows gives. */
function value(how: (value: Value, message: Message) => void): () => void {
  return () => change(isResult, message => how(message.value as Value, message));
}

/** Posts something, and goes on honestly. */
function say(message: unknown): () => void {
  return () => poster()!.postMessage(message);
}

const PUT = 2;
const SPAWN = 5;
const EVENT = 7;

/** Lies about a task: for workers without shared memory, whose word is all there is. */
export const TASK_LIES: Readonly<Record<string, () => void>> = {
  'patch of an undeclared component': patch(PUT, view => view.setUint16(2, 60, true)),
  'patch of a right of another kind': patch(PUT, view => view.setUint8(0, 3)),
  'patch of an unknown kind': patch(PUT, view => view.setUint8(0, 99)),
  'patch of a wrong size': patch(PUT, view => view.setUint32(4, 12, true)),
  'patch that reaches beyond the output': patch(PUT, view => view.setUint32(4, 0x7ffffff0, true)),
  'patch for the null entity': patch(PUT, view => view.setBigUint64(8, 0n, true)),
  'spawn of a handle that was not given': patch(SPAWN, view => view.setUint32(8, 1, true)),
  'event of an undeclared type': patch(EVENT, view => view.setUint16(2, 0, true)),
  'truncated patches': task(answer => (answer.bytes -= 4)),
  'patches of a size beyond all bounds': task(answer => (answer.bytes = 0xffffffff)),
  'truncated output': task(
    (answer, output) => (answer.output = output.slice(0, output.length - 16).buffer),
  ),
  'no output': task(answer => (answer.output = new ArrayBuffer(0))),
  'oversize output': task(
    (answer, output) => (answer.output = new ArrayBuffer(output.length + (1 << 20))),
  ),
  'output that is no memory': task(answer => (answer.output = 'all is well')),
  'a size that is none': task(answer => (answer.bytes = -1)),
  'a status that there is none of': task(answer => (answer.status = 256)),
  'a time that is none': task(answer => (answer['began'] = { toString: 1, valueOf: 1 })),
  'an answer that is null': () => change(isDone, message => (message.data = null)),
  'an answer of no kind': () => change(isDone, message => (message.data = { kind: 'odd' })),
  'a list that is none': () =>
    change(isDone, message => {
      const { serial } = message.data as Task;
      message.data = { kind: 'bound', serial, missing: 7 };
    }),
};

/** Lies about what a job of all rows gave. */
export const WHOLE_LIES: Readonly<Record<string, () => void>> = {
  'no value at all': value((_, message) => (message.value = null)),
  'no commands': value((_, message) => (message.value = { out: {} })),
  'a truncated column': value(({ out }) => (out['Mark'] = { v: new Uint32Array(7) })),
  'an oversize column': value(({ out }) => (out['Mark'] = { v: new Uint32Array(1 << 20) })),
  'a column that only looks like one': value(
    ({ out }) => (out['Mark'] = { v: { byteLength: 10_000, byteOffset: 0, buffer: {} } }),
  ),
  'a bool of 2': value(({ out }) => (out['Flag'] = { on: new Uint8Array(2500).fill(2) })),
  'values of an object component that it only reads': value(
    ({ out }) => (out['Deck'] = Array.from({ length: 2500 }, () => ({ title: 'forged' }))),
  ),
  'more values than rows': value(
    ({ out }) => (out['Card'] = Array.from({ length: 9999 }, () => ({ title: 'forged' }))),
  ),
  'a command of an undeclared component': value(({ commands }) =>
    commands.push({ kind: 'put', entity: commands[0]!['entity'], name: 'Other', value: { v: 1 } }),
  ),
  'a command of a component that it only reads': value(({ commands }) =>
    commands.push({ kind: 'put', entity: commands[0]!['entity'], name: 'Deck' }),
  ),
  'a right that it was not given': value(({ commands }) =>
    commands.push({ kind: 'destroy', entity: commands[0]!['entity'] }),
  ),
  'a spawn of a forged handle': value(({ commands }) =>
    commands.push({ kind: 'spawn', entity: 1 }),
  ),
  'a command for what is no entity': value(({ commands }) =>
    commands.push({ kind: 'put', entity: { a: 1 }, name: 'Mark', value: { v: 1 } }),
  ),
  'an event of an undeclared type': value(({ commands }) =>
    commands.push({ kind: 'send', entity: 0, name: 'Nothing', value: {} }),
  ),
};

/** Damaged messages of the pool's own: the worker that posts one is replaced. */
export const POOL_LIES: Readonly<Record<string, () => void>> = {
  'a greeting whose jobs are none': say({ skep: 'hello', protocol: 2, jobs: 5 }),
  'an error that is none': say({ skep: 'error', id: 1, stage: 'odd', error: null, block: null }),
  'an uncaught error that is none': say({ skep: 'uncaught' }),
  'a message of an extension that is none': say({ skep: 'ext', type: 7, data: 1 }),
  'an executor message that is null': say({ skep: 'ext', type: 'wasm', data: null }),
  'a fault that is none': say({ skep: 'ext', type: 'wasm', data: { kind: 'fault', system: 1 } }),
};

/** Messages that change nothing. */
export const HARMLESS: Readonly<Record<string, () => void>> = {
  'a fault of another system': say({
    skep: 'ext',
    type: 'wasm',
    data: { kind: 'fault', system: 'steady', block: 0, error: null },
  }),
  'an answer to what nobody asked': say({ skep: 'result', id: 123456, value: 'forged' }),
  'a message of a kind that nobody knows': say({ skep: 'mine', anything: true }),
  'a message that is none of ours': say(null),
};

const TRAP = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 116, 0, 0, 10, 5, 1, 3, 0,
  0, 11,
];

function deep(n: number): number {
  return n + deep(n + 1);
}

/** What ends a job's call, or its thread. */
export const CRASHES: Readonly<Record<string, () => void>> = {
  throw: () => {
    throw new TypeError('thrown on purpose');
  },
  'stack overflow': () => void deep(0),
  trap: () => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(TRAP)));
    (instance.exports as { t(): void }).t();
  },
  exit: () => (thread.process ? thread.process.exit(0) : thread.close!()),
  loop: () => {
    for (;;);
  },
  'out of memory': () => {
    const kept: unknown[][] = [];
    for (;;) kept.push(new Array(100_000).fill(kept.length).map(String));
  },
};

const ALL: Readonly<Record<string, () => void>> = {
  none: () => {},
  ...TASK_LIES,
  ...WHOLE_LIES,
  ...POOL_LIES,
  ...HARMLESS,
  ...CRASHES,
};

let acted = -1;

/** Whether this call is the one that goes wrong. */
function due({ how, gate, once }: Lie, tick: number): boolean {
  if (how === 'none') return false;
  if (gate) return Atomics.add(new Int32Array(gate), 0, 1) === 0;
  if (!once) return true;
  const generation = Number(thread.location?.hash.slice(1) || 0);
  const first = acted !== tick && generation <= 1;
  acted = tick;
  return first;
}

const spec = {
  reads: [],
  writes: [Place, Mark, Flag],
  puts: [Mark],
  emits: [Knock],
  spawnMax: 2,
  module: import.meta.url,
} as const;

/** Called by block: moves all rows, and gives some of every kind of patch. */
export const liar = defineJob<readonly [], readonly [typeof Place, typeof Mark, typeof Flag], Lie>(
  { name: 'liar', ...spec },
  (({
    n,
    tick,
    extra,
    cols,
    out,
    entities,
    spawn,
    put,
    send,
  }: Parameters<typeof liar.handle>[0]) => {
    let here = false;
    for (let i = 0; i < n; i++) {
      out.Place.x[i] = cols.Place.x[i]! + 1;
      out.Mark.v[i]! += tick;
      out.Flag.on[i] = tick & 1;
      here ||= entities.at(i) === extra.at;
    }
    const first = entities.at(0);
    put(first, Mark, { v: 1000 + tick });
    put(spawn(), Mark, { v: tick });
    send(Knock, first, { by: tick });
    if (here && due(extra, tick)) ALL[extra.how]!();
  }) as never,
);

/** The same with all rows at once, and with objects. */
export const wholeLiar = defineJob<
  readonly [typeof Deck],
  readonly [typeof Place, typeof Mark, typeof Flag, typeof Card],
  Lie
>(
  {
    ...spec,
    name: 'wholeLiar',
    reads: [Deck],
    writes: [Place, Mark, Flag, Card],
    split: false,
  },
  (({
    n,
    tick,
    extra,
    cols,
    out,
    entities,
    spawn,
    put,
  }: Parameters<typeof wholeLiar.handle>[0]) => {
    for (let i = 0; i < n; i++) {
      out.Place.x[i] = cols.Place.x[i]! + 1;
      out.Mark.v[i]! += tick;
      out.Flag.on[i] = tick & 1;
    }
    if (n === 0) return;
    put(entities.at(0), Mark, { v: 1000 + tick });
    put(spawn(), Mark, { v: tick });
    if (due(extra, tick)) ALL[extra.how]!();
  }) as never,
);

/** Goes on beside them. */
export const steady = defineJob(
  { name: 'steady', writes: [Other], module: import.meta.url },
  ({ n, out }) => {
    for (let i = 0; i < n; i++) out.Other.v[i]! += 1;
  },
);

export const jobs = [liar, wholeLiar, steady];
