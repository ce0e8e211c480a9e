// SPDX-License-Identifier: MIT
// Scenes written in C: a wasm file that holds the core and the scene's systems. A world that takes
// one moves into its module, where C jobs and JavaScript jobs run side by side.

import { CoreModule } from './core/core_module.js';
import type { Host } from './core/host.js';
import { STATUS } from './core/layout.js';
import { PlanError, SkepError } from './errors.js';

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
  build(host: Host, params: Readonly<Record<string, string | number>>,
        mistake: (text: string) => void): void {
    if (!host.ex['skep_host_scene']?.(host.address)) {
      throw new SkepError('E_MODULE', 'this wasm file has no scene',
        { hint: 'link one that SKEP_SCENE defines' });
    }
    const name = host.instance.text(host.word(0));
    const texts = Object.entries(params).map(([key, value]) => `${key}=${value}`);
    const status = host.withTexts(texts, places => {
      host.instance.u32.set(places.flat(), host.io);
      return host.ex['skep_host_scene_build']!(host.address, texts.length, 0, 0);
    });
    this.#read(host);
    if (status === STATUS.OK) return;
    const lines: string[] = [];
    for (const line of host.takeLog()) lines.push(line.text);
    for (const line of lines) mistake(line);
    if (status === STATUS.PLAN) {
      throw new PlanError(lines.join('\n') || `${name}: mistakes`, [], lines);
    }
    throw host.error(status);
  }

  #read(host: Host): void {
    this.#params = [];
    for (let i = 0; host.ex['skep_host_param']!(host.address, i); i++) {
      const text = (at: number): string => host.instance.text(host.word(at));
      this.#params.push({ name: text(0), help: text(1), type: text(2), value: text(3),
        given: host.word(4) !== 0 });
    }
  }
}

function checked(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73
      || bytes[3] !== 0x6d) {
    throw new SkepError('E_MODULE', 'this is no wasm file');
  }
  return Uint8Array.from(bytes);
}

async function fetchBytes(source: string | URL): Promise<Uint8Array> {
  const where = String(source);
  const node = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
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
 * (E_MODULE). The same scene may be added to many worlds. */
export async function loadScene(source: string | URL | Uint8Array): Promise<Scene> {
  const bytes = checked(source instanceof Uint8Array ? source : await fetchBytes(source));
  return new Scene(new CoreModule(() => bytes));
}
