// SPDX-License-Identifier: MIT
// Hooks: who is told that entities gain and lose components. wasm notes what happened, in order; it
// is told here when the whole change is done. While hooks run the world holds what they change
// back, so that no hook sees half of what another one does.

import type { AnyComponent } from './component.js';
import type { Host } from './core/host.js';
import { STATUS } from './core/layout.js';
import type { Entity } from './entity.js';
import { SkepError } from './errors.js';

const ROUNDS_MAX = 64;

/** All that listen to one thing. */
interface Listeners {
  readonly component: AnyComponent;
  readonly added: boolean;
  functions: readonly ((entity: Entity) => void)[];
}

export class Hooks {
  readonly #lists: Listeners[] = [];
  #firing = false;

  /** Somebody listens. */
  get some(): boolean {
    return this.#lists.length !== 0;
  }

  /** Calls `fn` from now on. Returns what ends that. */
  add(
    host: Host,
    component: AnyComponent,
    added: boolean,
    fn: (entity: Entity) => void,
  ): () => void {
    const known = host.component(component);
    let list = this.#lists.find(l => l.added === added && host.component(l.component) === known);
    if (!list) {
      list = { component, added, functions: [] };
      this.#listen(host, list, this.#lists.length);
      this.#lists.push(list);
    }
    const own = (entity: Entity): void => fn(entity);
    list.functions = [...list.functions, own];
    return () => {
      list.functions = list.functions.filter(f => f !== own);
    };
  }

  #listen(host: Host, list: Listeners, id: number): void {
    host.call('skep_host_hook', host.component(list.component).address, list.added ? 1 : 0, id);
  }

  /** Listens in another core. */
  move(host: Host): void {
    this.#lists.forEach((list, id) => this.#listen(host, list, id));
  }

  /** Forgets what was noted. */
  forget(host: Host): void {
    host.ex['skep_host_hooks']!(host.address);
  }

  /** Tells what has happened, until nothing more does; `flush` hands over what hooks queued. */
  fire(host: Host, flush: () => void): void {
    if (this.#firing) return;
    this.#firing = true;
    try {
      for (let round = 0; ; round++) {
        host.ex['skep_host_hooks']!(host.address);
        const count = host.word(1);
        if (count === 0) return;
        if (round === ROUNDS_MAX) {
          throw new SkepError(
            'E_LIMIT',
            `hooks queued changes ${ROUNDS_MAX} times in a row, and ` + 'still do',
          );
        }
        const at = host.word(0) >> 2;
        this.#round(host, host.instance.u32.slice(at, at + 3 * count), flush);
      }
    } finally {
      this.#firing = false;
    }
  }

  #round(host: Host, notes: Uint32Array, flush: () => void): void {
    host.ex['skep_host_hold']!(host.address);
    let whole = false;
    try {
      for (let i = 0; i < notes.length; i += 3) {
        const entity = (notes[i + 1]! * 4294967296 + notes[i]!) as Entity;
        for (const fn of this.#lists[notes[i + 2]!]?.functions ?? []) fn(entity);
      }
      flush();
      whole = true;
    } finally {
      const status = host.closed ? STATUS.OK : host.ex['skep_host_let_go']!(host.address);
      if (status !== STATUS.OK && whole) throw host.error(status);
    }
  }
}
