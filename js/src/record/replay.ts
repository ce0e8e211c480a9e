// SPDX-License-Identifier: MIT
// Playing a recording: the world is taken to its beginning, and the scheduler runs its frames with
// what they got then; the recorded faults happen instead of new ones. wasm compares what comes out,
// batch by batch, and names the first thing that differs.

import type { Host } from '../core/host.js';
import { SkepError } from '../errors.js';
import type { ParallelScheduler } from '../scheduler.js';
import type { FrameHook, World } from '../world.js';
import { readHost, type Extras } from './format.js';
import { canRecord, cannotRecord } from './recording.js';

/** The first thing that came out differently. */
export interface Difference {
  /** Tick of the frame, and of the first one in which it may have come about, where not all were
   * hashed. */
  readonly frame: number;
  readonly since: number;
  /** Who wrote it; null: nobody can be named. Joined by " or " where any of several may have. */
  readonly system: string | null;
  /** What differs: a component, an event, a resource, or a part of the world; null where a system
   * failed that had not, or the other way round. */
  readonly component: string | null;
  /** From 1; 0: no batch. */
  readonly batch: number;
  /** All of it, as `skep replay` says it. */
  readonly text: string;
}

export interface Replayed {
  /** Frames that were run, */
  readonly frames: number;
  /** and worlds that were compared. */
  readonly hashes: number;
  readonly differs: Difference | null;
  /** Why what stands behind the good part of the file was not played; null: it is whole. */
  readonly damage: string | null;
  /** The recording was ended, not cut off. */
  readonly closed: boolean;
  /** The systems are those that were recorded. */
  readonly samePlan: boolean;
  /** Systems whose `extra` the recording could not hold. */
  readonly unkept: readonly string[];
}

export interface ReplayOptions {
  /** false: on the caller alone. */
  parallel?: boolean;
  /** Called before each frame, with its tick; false ends the replay there. */
  onFrame?: (tick: number) => boolean | void;
}

/** SKEP__REPLAY_SAME. */
const SAME = 0;

class Player {
  readonly #scheduler: ParallelScheduler;
  readonly #world: World;
  readonly #host: Host;
  readonly #options: ReplayOptions;
  #extras: Extras = {};
  #frames = 0;
  #samePlan = true;

  constructor(scheduler: ParallelScheduler, options: ReplayOptions) {
    this.#scheduler = scheduler;
    this.#world = scheduler.world;
    this.#host = this.#world.host;
    this.#options = options;
  }

  async play(bytes: Uint8Array): Promise<Replayed> {
    const host = this.#host;
    if (!canRecord(host)) throw cannotRecord();
    this.#world.flush();
    const at = host.alloc(bytes.length);
    host.instance.u8.set(bytes, at);
    const hook: FrameHook = {
      begin: () => {},
      extraOf: system => this.#extras[system],
      end: () => {},
    };
    try {
      host.call('skep_host_replay_open', at, bytes.length);
      const damage = host.word(7) ? host.instance.text(host.word(7)) : null;
      const closed = host.word(5) === 1;
      const own = readHost(bytes, host.word(8));
      this.#world.learn(own.world);
      this.#scheduler.compile();
      this.#world.frames.add(hook);
      host.call('skep_host_replay_begin');
      this.#world.reloaded();
      await this.#run(own.extras);
      return {
        frames: this.#frames,
        ...this.#difference(),
        damage,
        closed,
        samePlan: this.#samePlan,
        unkept: own.unkept,
      };
    } finally {
      this.#world.frames.delete(hook);
      if (!host.closed) {
        host.ex['skep_host_replay_close']!(host.address);
        host.free(at, bytes.length);
      }
    }
  }

  async #run(extras: ReadonlyMap<number, Extras>): Promise<void> {
    const host = this.#host;
    const { parallel = true, onFrame } = this.#options;
    for (;;) {
      host.call('skep_host_replay_next');
      this.#samePlan &&= host.word(8) === 1;
      if (!host.word(0)) return;
      const dt = host.instance.f32[host.io + 1]!;
      const time = host.instance.f64[(host.io + 2) >> 1]!;
      const tick = host.wide(4);
      if (host.word(7)) this.#world.reloaded();
      this.#extras = { ...this.#extras, ...extras.get(tick) };
      if (onFrame?.(tick) === false) return;
      await this.#scheduler.runFrame(dt, time, { parallel });
      this.#frames++;
      if (!host.ex['skep_host_replay_done']!(host.address)) return;
    }
  }

  #difference(): { hashes: number; differs: Difference | null } {
    const host = this.#host;
    host.ex['skep_host_replay_report']!(host.address);
    const hashes = host.wide(0);
    const what = host.word(2);
    if (what === SAME) return { hashes, differs: null };
    const [part, systems] = [host.instance.text(host.word(8)), host.instance.text(host.word(9))];
    return {
      hashes,
      differs: {
        frame: host.wide(4),
        since: host.wide(6),
        system: systems.replaceAll('"', '') || null,
        component: part || null,
        batch: host.word(3),
        text: host.instance.textOf(host.word(10), host.word(11)),
      },
    };
  }
}

/** Plays a recording, from JavaScript or from `skep run --record`, in a scheduler's world, which
 * becomes what it begins with; up to the first frame that comes out differently. The scheduler must
 * have the systems and the scene that were recorded, its world no components beyond theirs. A
 * system's `extra` is not called: it gets what was recorded. Throws SkepError (E_CORRUPT, E_SCHEMA)
 * before anything changed, LimitError (memoryMax) where the recording does not fit into the world's
 * memory beside the world.
 *
 * const { differs } = await replay(readFileSync('bug.skepr'), scheduler);
 * if (differs) console.log(differs.text);
 */
export function replay(
  bytes: Uint8Array,
  scheduler: ParallelScheduler,
  options: ReplayOptions = {},
): Promise<Replayed> {
  try {
    return new Player(scheduler, options).play(bytes);
  } catch (error) {
    return Promise.reject(
      error instanceof Error ? error : new SkepError('E_ARGUMENT', String(error)),
    );
  }
}
