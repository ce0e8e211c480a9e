// SPDX-License-Identifier: MIT
// Scenes written in C: a wasm file that holds the core and the scene's systems. A world that takes
// one moves into its module, where C jobs and JavaScript jobs run side by side.

import { CoreModule, sharedMemoryAvailable } from './core/core_module.js';
import type { Host } from './core/host.js';
import { INTERFACE, STATUS } from './core/layout.js';
import { PlanError, SkepError } from './errors.js';
import { describeTrap } from './executor/job_runtime.js';

/** A parameter that a scene asked for. */
export interface SceneParam {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly value: string;
  readonly given: boolean;
}

export class Scene {
  /** @internal */
  readonly core: CoreModule;
  #params: SceneParam[] = [];

  /** @internal */
  constructor(core: CoreModule) {
    this.core = core;
  }

  /** The parameters that it asked for when it was built last. */
  get params(): readonly SceneParam[] {
    return this.#params;
  }

  /** @internal Runs the scene's function over a world's host. */
  build(
    host: Host,
    params: Readonly<Record<string, string | number>>,
    data: string | Uint8Array | undefined,
    log: (level: number, text: string) => void,
    predict = false,
  ): void {
    if (!host.ex['skep_host_scene']!(host.address)) throw noScene();
    const name = host.instance.text(host.word(0));
    const [at, bytes] = data === undefined ? [0, 0] : hostData(host, data);
    const texts = Object.entries(params).map(([key, value]) => `${key}=${value}`);
    let trap: unknown;
    const status = host.withTexts(texts, places => {
      host.instance.u32.set(places.flat(), host.io);
      return callBuild(host, texts.length, at, bytes, predict, error => {
        trap = error;
      });
    });
    if (at) host.free(at, bytes + 1);
    this.#read(host);
    if (status === STATUS.OK) return;
    const mistakes: string[] = [];
    for (const line of host.takeLog()) {
      if (line.level < 3) log(line.level, line.text);
      else mistakes.push(line.text);
    }
    if (status === STATUS.VERSION) throw otherVersion(host.error(status).message);
    if (status !== STATUS.PLAN) throw host.error(status);
    throw new PlanError(
      mistakes.join('\n') || `${name}: mistakes`,
      [],
      mistakes,
      trap === undefined ? {} : { cause: trap },
    );
  }

  #read(host: Host): void {
    this.#params = [];
    for (let i = 0; host.ex['skep_host_param']!(host.address, i); i++) {
      const text = (at: number): string => host.instance.text(host.word(at));
      this.#params.push({
        name: text(0),
        help: text(1),
        type: text(2),
        value: text(3),
        given: host.word(4) !== 0,
      });
    }
  }
}

/** Builds the scene; a trap in its function, which is also how it is left without memory, ends as
 * a mistake beside those that it made before. */
function callBuild(
  host: Host,
  params: number,
  data: number,
  bytes: number,
  predict: boolean,
  trapped: (error: unknown) => void,
): number {
  const { ex } = host;
  const stack = ex.__stack_pointer.value as number;
  try {
    // The scene's function has the whole stack; what was set before was for a job.
    if (ex.__stack_limit) ex.__stack_limit.value = 0;
    return ex['skep_host_scene_build']!(host.address, params, data, bytes, predict ? 1 : 0);
  } catch (error) {
    const text = describeTrap(host.instance, error);
    ex.__stack_pointer.value = stack;
    trapped(error);
    return host.withTexts([text], ([place]) =>
      ex['skep_host_scene_trapped']!(host.address, place![0]),
    );
  }
}

/** The host's file for a scene, in memory, with a zero behind it. */
function hostData(host: Host, data: string | Uint8Array): readonly [number, number] {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  const at = host.alloc(bytes.length + 1);
  host.instance.u8.set(bytes, at);
  host.instance.u8[at + bytes.length] = 0;
  return [at, bytes.length];
}

const LINK_IT = 'npx skep-wasm own.c -o own.wasm makes one';

function noScene(): SkepError {
  return new SkepError('E_MODULE', 'this wasm file has no scene', { hint: LINK_IT });
}

function otherVersion(text: string): SkepError {
  return new SkepError('E_MODULE', text, {
    hint: 'link it again, by the skep-wasm of the skep that loads it',
  });
}

/** Throws where a module is not what skep-wasm makes, before anything runs. */
function checkModule(module: WebAssembly.Module, where: string): void {
  const known = ['memory', 'guard', 'job', 'clock'];
  const foreign = WebAssembly.Module.imports(module).find(
    ({ module: from, name }) => from !== 'env' || !known.includes(name),
  );
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  const version = names.map(name => /^skep_interface_(\d+)$/.exec(name)?.[1]).find(v => v);
  if (foreign || version === undefined) {
    throw new SkepError(
      'E_MODULE',
      `${where}: this wasm file was not made by skep`
        + (foreign ? `: it imports ${foreign.module}.${foreign.name}` : ''),
      { hint: LINK_IT },
    );
  }
  if (Number(version) !== INTERFACE) {
    throw otherVersion(
      `${where}: this scene was linked with version ${version} of the interface `
        + `between wasm and JavaScript, this is version ${INTERFACE}`,
    );
  }
  if (!names.includes('skep_scene_entry')) throw noScene();
}

function compile(bytes: Uint8Array, where: string): CoreModule {
  if (
    bytes.length < 8
    || bytes[0] !== 0
    || bytes[1] !== 0x61
    || bytes[2] !== 0x73
    || bytes[3] !== 0x6d
  ) {
    throw new SkepError('E_MODULE', `${where}: this is no wasm file`, { hint: LINK_IT });
  }
  const own = Uint8Array.from(bytes);
  const core = new CoreModule(() => own);
  try {
    checkModule(core.compiled(sharedMemoryAvailable()), where);
  } catch (cause) {
    if (!(cause instanceof WebAssembly.CompileError)) throw cause;
    throw new SkepError(
      'E_MODULE',
      `${where}: this wasm file cannot be compiled: ` + cause.message,
      { cause },
    );
  }
  return core;
}

async function fetchBytes(where: string): Promise<Uint8Array> {
  const node = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } })
    .process;
  const fs = node?.getBuiltinModule?.('node:fs') as typeof import('node:fs') | undefined;
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(where);
  if (fs && (where.startsWith('file:') || !isUrl)) {
    return fs.promises.readFile(where.startsWith('file:') ? new URL(where) : where);
  }
  const answer = await fetch(where);
  if (!answer.ok) {
    throw new SkepError('E_MODULE', `${where}: ${answer.status} ${answer.statusText}`);
  }
  return new Uint8Array(await answer.arrayBuffer());
}

/** Loads a scene's wasm file: its URL, a path on Node, or its bytes. Rejects with SkepError
 * (E_MODULE) for what is no such file, and what another version of skep linked. The same scene may
 * be added to many worlds. */
export async function loadScene(source: string | URL | Uint8Array): Promise<Scene> {
  if (source instanceof Uint8Array) return new Scene(compile(source, 'bytes'));
  const where = String(source);
  const bytes = await fetchBytes(where).catch((cause: unknown) => {
    if (cause instanceof SkepError) throw cause;
    throw new SkepError('E_MODULE', `${where}: ${String(cause)}`, { cause });
  });
  return new Scene(compile(bytes, where));
}
