// SPDX-License-Identifier: MIT
// wasm files that hold a core. A file is compiled once, for shared memory where threads can have
// it, else with the one bit of its memory import turned. The files that the package carries are in
// own_core.ts, live_core.ts and view_core.ts, so that nobody carries one that is not used; workers
// get compiled modules by message.

import { SkepError } from '../errors.js';
import { inflate } from './inflate.js';
import { Instance } from './instance.js';

/** Whether threads of this realm can share memory: Node always, pages when they are isolated. */
export function sharedMemoryAvailable(): boolean {
  const scope = globalThis as { crossOriginIsolated?: boolean };
  return typeof SharedArrayBuffer !== 'undefined' && scope.crossOriginIsolated !== false;
}

/** Turns the memory import of a module from shared to its own: the bit of its limits. */
function unshare(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes);
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = out[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  while (at < out.length) {
    const section = out[at++]!;
    const end = number() + at;
    if (section !== 2) {
      at = end;
      continue;
    }
    for (let count = number(); count > 0; count--) {
      // Not `at += number()`: that would forget how far number() has read.
      at = number() + at;
      at = number() + at;
      const kind = out[at++]!;
      if (kind === 2) {
        if (out[at] === 3) out[at] = 1;
        return out;
      }
      if (kind !== 0) throw new SkepError('E_MODULE', 'this wasm file was not made by skep');
      number();
    }
  }
  throw new SkepError('E_MODULE', 'this wasm file has no memory import: it was not made by skep');
}

/** Compiles at once: engines allow 8 MB and more on a page's main thread. */
function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    // Both engines say it with a CompileError, as of a file that is broken.
    if (/disallowed|blocked|Content.Security/i.test(String(cause))) {
      throw new SkepError('E_UNSUPPORTED', 'this page may not compile wasm', {
        cause,
        hint: "its Content-Security-Policy needs 'wasm-unsafe-eval' in script-src",
      });
    }
    throw new SkepError('E_MODULE', 'this wasm file cannot be compiled', { cause });
  }
}

/** A wasm file that holds a core: the bytes, and its compiled form for each kind of memory. */
export class CoreModule {
  readonly #bytes: () => Uint8Array<ArrayBuffer>;
  #shared: WebAssembly.Module | undefined;
  #own: WebAssembly.Module | undefined;
  /** Instances that no world uses any more. */
  readonly idle: Instance[] = [];

  constructor(bytes: () => Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  /** The compiled module. Throws SkepError: E_UNSUPPORTED where wasm is forbidden, E_MODULE. */
  compiled(shared: boolean): WebAssembly.Module {
    if (shared) return (this.#shared ??= compile(this.#bytes()));
    return (this.#own ??= compile(unshare(this.#bytes())));
  }
}

/** A core that the package carries as text: bytes of the file, deflated, in base64. */
export function embeddedModule(bytes: number, deflated: string): CoreModule {
  return new CoreModule(() => {
    const text = atob(deflated);
    const packed = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
    return inflate(packed, bytes);
  });
}

/** The pages of a memory of so many bytes. */
export function pagesOf(bytes: number): number {
  return Math.ceil(bytes / 65536);
}

/** Makes a memory of so many bytes and an instance on it, or takes one that no world uses. */
export function createInstance(core: CoreModule, shared: boolean, bytes: number): Instance {
  const at = core.idle.findIndex(i => i.shared === shared && i.pages === pagesOf(bytes));
  if (at >= 0) return core.idle.splice(at, 1)[0]!;
  const module = core.compiled(shared);
  const pages = pagesOf(bytes);
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    return new Instance(module, memory, shared);
  } catch (cause) {
    throw new SkepError('E_NO_MEMORY', `no memory of ${bytes >> 20} MiB for a world`, {
      cause,
      hint: 'lower memoryMax, or dispose of worlds that are not used any more',
    });
  }
}
