// SPDX-License-Identifier: MIT
// An instance of a core's module on one memory, with the views of that memory, which never grows,
// so that a view stays what it is.

import { SkepError } from '../errors.js';

/** What the module exports: numbers in, numbers out. See wasm/host*.c for each. */
export type Exports = Readonly<Record<string, (...args: number[]) => number>> & {
  readonly __stack_pointer: WebAssembly.Global;
  /** The lowest address that the stack pointer may have, in files with stack checks. */
  readonly __stack_limit?: WebAssembly.Global;
};

/** What the module asks of JavaScript. */
export interface Imports {
  guard(
    task: number,
    job: number,
    flags: number,
    room: number,
    result: number,
    stack: number,
  ): void;
  job(id: number, task: number, columns: number, stack: number): number;
}

/** HOST_SINK of wasm/host.h: in place of a job's number. */
const SINK = -1;

/** Milliseconds of the caller's performance.now(), where this thread's is `shift` behind it. Looked
 * at for each zone of a trace, so on the caller it is the function itself. */
function clockOf(shift: number): () => number {
  return shift ? () => performance.now() + shift : performance.now.bind(performance);
}

/** One instance of a module on one memory. */
export class Instance {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly pages: number;
  readonly ex: Exports;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  /** Filled by whoever runs jobs on this instance. */
  readonly imports: Imports = {
    guard: () => {
      throw new SkepError('E_UNSUPPORTED', 'no jobs run on this instance');
    },
    job: () => 0,
  };

  /** Takes bytes that the module has to give away; false: it should give up. */
  sink: ((at: number, bytes: number) => boolean) | null = null;

  constructor(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    shared: boolean,
    clockShift = 0,
  ) {
    this.module = module;
    this.memory = memory;
    this.shared = shared;
    const buffer = memory.buffer;
    this.pages = buffer.byteLength / 65536;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    const imports = this.imports;
    const guard: Imports['guard'] = (task, job, flags, room, result, stack) =>
      imports.guard(task, job, flags, room, result, stack);
    const job: Imports['job'] = (id, task, columns, stack) =>
      id === SINK ? Number(!this.sink?.(task, columns)) : imports.job(id, task, columns, stack);
    const clock = clockOf(clockShift);
    this.ex = new WebAssembly.Instance(module, { env: { memory, guard, job, clock } })
      .exports as unknown as Exports;
  }

  /** The zero-ended text at an address. */
  text(address: number): string {
    let end = address;
    while (this.u8[end]) end++;
    return this.textOf(address, end - address);
  }

  /** The text of so many bytes at an address. */
  textOf(address: number, bytes: number): string {
    // None is frequent: why a client is live, after each message.
    return bytes ? decoder.decode(this.u8.slice(address, address + bytes)) : '';
  }
}

const decoder = new TextDecoder();
