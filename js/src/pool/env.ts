// SPDX-License-Identifier: MIT
// What kind of host this is, and the few things that differ. Node's built-in modules are reached by
// process.getBuiltinModule alone, so that no bundler sees them in a page's code.

interface NodeProcess {
  readonly versions?: { readonly node?: string };
  getBuiltinModule?(name: string): unknown;
}

function processHere(): NodeProcess | undefined {
  const process = (globalThis as { process?: NodeProcess }).process;
  return typeof process?.getBuiltinModule === 'function' ? process : undefined;
}

/** A built-in module of Node, or undefined elsewhere. */
export function builtin<T>(name: string): T | undefined {
  try {
    return processHere()?.getBuiltinModule?.(name) as T | undefined;
  } catch {
    return undefined;
  }
}

/** Really Node (or what passes for it): not a page that has a `process`, as under jsdom, in
 * Electron or with a bundler's stand-in. */
export function isNode(): boolean {
  return typeof processHere()?.versions?.node === 'string' && !('document' in globalThis);
}

/** Processors that this process may use, at least 1. */
export function coreCount(): number {
  const os = isNode() ? builtin<typeof import('node:os')>('node:os') : undefined;
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number } };
  const count = os ? os.availableParallelism() : navigator?.hardwareConcurrency;
  return Math.max(1, Math.floor(count ?? 1) || 1);
}

/** A debugger may hold this process: no deadline counts. Only Node can tell. */
export function debuggerOpen(): boolean {
  try {
    return builtin<typeof import('node:inspector')>('node:inspector')?.url() !== undefined;
  } catch {
    return false;
  }
}

/** A timer that does not keep a process alive. */
export function after(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms) as unknown;
  (timer as { unref?(): void }).unref?.();
  return () => clearTimeout(timer as number);
}

/** Calls once messages that have arrived already were delivered. A timer would take 4 ms for it in
 * browsers. */
export function afterMessages(call: () => void): void {
  const immediate = (globalThis as { setImmediate?: (call: () => void) => void }).setImmediate;
  if (immediate) return immediate(call);
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => {
    port2.close();
    call();
  };
  port1.postMessage(0);
}

/** Something that keeps a Node process alive while it is on; elsewhere nothing. */
export interface Hold {
  set(on: boolean): void;
  end(): void;
}

/** A hold that is off. */
export function makeHold(): Hold {
  if (!isNode()) return { set: () => {}, end: () => {} };
  const timer = setInterval(() => {}, 0x7fffffff) as unknown as { ref(): void; unref(): void };
  timer.unref();
  let held = false;
  let ended = false;
  return {
    set(on) {
      if (on === held || ended) return;
      held = on;
      if (on) timer.ref();
      else timer.unref();
    },
    end() {
      ended = true;
      clearInterval(timer as unknown as number);
    },
  };
}
