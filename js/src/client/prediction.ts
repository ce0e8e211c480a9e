// SPDX-License-Identifier: MIT
// The small world of a prediction: the scene's systems, or the jobs, that move the own entity, and
// nothing else in it. It is stepped here, on the caller, whenever wasm says that a tick is due.

import type { Host } from '../core/host.js';
import { clock, describeAt, doubleAt, whyFailed } from '../core/live.js';
import { liveCore } from '../core/live_core.js';
import type { Entity } from '../entity.js';
import { SkepError } from '../errors.js';
import { loadScene, Scene } from '../scene.js';
import { ParallelScheduler } from '../scheduler.js';
import { World } from '../world.js';
import type { ConnectOptions, PredictOptions, PredictStats } from './options.js';
import type { Part, View } from './view.js';

const MEMORY = 96 << 20;
/** Of that, for the blocks of the small world and its snapshots. */
const BLOCKS = 24 << 20;
/** A picture steps no more often than this, whatever wasm says. */
const STEPS_MAX = 1000;

/** A world with the systems, and without entities. */
export class SmallWorld {
  readonly world: World;
  readonly scheduler: ParallelScheduler;
  readonly #options: PredictOptions;

  constructor(world: World, options: PredictOptions, scene: Scene | undefined) {
    this.world = world;
    this.#options = options;
    this.scheduler = new ParallelScheduler(world, {
      executor: 'local',
      check: false,
      // What the view has to say lands in the same log, and is told as a state.
      log: (level, text) => {
        if (level >= 3) console.error(text);
      },
    });
    this.#fill(scene);
  }

  #fill(scene: Scene | undefined): void {
    const { scheduler, world } = this;
    const { systems, jobs, params, data } = this.#options;
    // Without a choice of the program's the scene says what is predicted.
    if (scene) scheduler.addScene(scene, params ?? {}, data, !systems);
    const theirs = this.systems();
    const missing = systems?.find(name => !theirs.includes(name));
    if (missing !== undefined) {
      throw new SkepError('E_PLAN', `predict: there is no system "${missing}" in the scene`, {
        hint: `it has ${theirs.join(', ') || 'none'}`,
      });
    }
    if (systems) {
      for (const name of theirs) if (!systems.includes(name)) scheduler.enable(name, false);
    }
    for (const job of jobs ?? []) scheduler.register(job);
    if (!theirs.length && !jobs?.length) {
      throw new SkepError('E_ARGUMENT', 'predict: there is no system and no job to predict by', {
        hint: "predict: { input, scene: 'ships.wasm', systems: ['steer', 'move'] }",
      });
    }
    const all: Entity[] = [];
    world.each({}, (n, entities) => {
      for (let i = 0; i < n; i++) all.push(entities.at(i));
    });
    for (const entity of all) world.destroy(entity);
    world.flush();
    scheduler.compile();
  }

  /** Names of the plan's systems. */
  systems(): string[] {
    return this.scheduler.order();
  }

  /** The components that the enabled systems use of a row, as the small world knows them. */
  parts(): Part[] {
    const { host } = this.world;
    if (this.#options.components) {
      return this.#options.components.map(c => {
        const { info, address } = host.component(c);
        return { name: info.name, address };
      });
    }
    const found = new Map<string, number>();
    for (const name of this.systems()) {
      if (!this.scheduler.state(name).enabled) continue;
      const count = host.withTexts([name], ([place]) =>
        host.ex['skep_host_system_parts']!(host.address, place![0]),
      );
      const addresses = Array.from({ length: count }, (_, i) => host.word(i));
      for (const address of addresses) found.set(describeAt(host, address).info.name, address);
    }
    return [...found].map(([name, address]) => ({ name, address }));
  }

  /** Begins to predict what a view shows. */
  predict(view: View): Prediction {
    return new Prediction(this, view, this.#options);
  }

  close(): void {
    void this.scheduler.close({ mode: 'now' }).finally(() => this.world.dispose());
  }
}

/** Makes a small world. Rejects with what loadScene, addScene and register throw. */
export async function makeSmallWorld(
  options: PredictOptions,
  all: ConnectOptions,
): Promise<SmallWorld> {
  const { scene } = options;
  const loaded = scene === undefined || scene instanceof Scene ? scene : await loadScene(scene);
  const memoryMax = all.memoryMax ?? MEMORY;
  const world = new World(
    {
      limits: { entities: options.entities ?? 4096 },
      memoryMax,
      workersMax: 1,
      shared: false,
      heap: Math.max(memoryMax - BLOCKS, memoryMax >> 2),
    },
    loaded?.core ?? liveCore(),
  );
  try {
    return new SmallWorld(world, options, loaded);
  } catch (error) {
    world.dispose();
    throw error;
  }
}

/** A prediction in wasm, over a small world. */
export class Prediction {
  readonly small: SmallWorld;
  readonly #host: Host;
  readonly #address: number;

  /** Throws SkepError (E_ARGUMENT, E_NO_MEMORY). */
  constructor(small: SmallWorld, view: View, options: PredictOptions) {
    this.small = small;
    const host = (this.#host = small.world.host);
    this.#address = host.ex['skep_host_predict_open']!(
      host.address,
      view.address,
      options.maxReplay ?? 0,
      options.maxAhead ?? 0,
      options.smoothMs ?? 0,
    );
    if (!this.#address) {
      const status = host.word(0);
      throw status === 1
        ? host.error(status)
        : new SkepError('E_ARGUMENT', `predict: ${whyFailed(host)}`);
    }
  }

  /** Sends an input, and applies it to what is predicted next. */
  send(view: View, input: PredictOptions['input'], value: unknown, now: number): number {
    return view.send(input, value, (info, at) => {
      this.#host.ex['skep_host_predict_send']!(this.#address, info, at, now);
    });
  }

  /** Steps the small world as far as is due. */
  advance(now: number, hz: number): void {
    const { ex } = this.#host;
    const until = clock() + 1000;
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      if (!ex['skep_host_predict_next']!(this.#address, now)) return;
      this.small.scheduler.tick(1 / hz);
      ex['skep_host_predict_stepped']!(this.#address);
      // A picture that takes longer than that is none.
      if ((steps & 15) === 15 && clock() > until) return;
    }
  }

  /** Puts what is predicted into the picture. */
  show(now: number): void {
    this.#host.ex['skep_host_predict_show']!(this.#address, now);
  }

  local(): Entity {
    this.#host.ex['skep_host_predict_local']!(this.#address);
    return this.#host.wide(0) as Entity;
  }

  stats(): PredictStats {
    this.#host.ex['skep_host_predict_stats']!(this.#address);
    const at = (i: number): number => doubleAt(this.#host, i);
    return {
      ticks: at(0),
      replayed: at(1),
      compared: at(2),
      corrections: at(3),
      skipped: at(4),
      tick: at(5),
      lead: at(6),
      error: at(7),
    };
  }

  close(): void {
    this.#host.ex['skep_host_predict_close']!(this.#address);
  }
}
