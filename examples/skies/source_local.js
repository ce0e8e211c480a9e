// SPDX-License-Identifier: MIT
// A world of the page's own in place of a server's, behind the same calls: ?local. All of it runs
// in the page, before each picture.

import { ParallelScheduler, World, loadScene } from 'skep';
import { Glide, Pilot, Pos, Steer } from './components.js';

const HZ = 60;
/** Frames before one picture; what is due beyond is given up. */
const FRAMES_MAX = 3;
/** What is traced, as of a server: the last two seconds, while somebody asks for them. */
const TRACE = { frames: 2 * HZ, budgetMs: 1000 / HZ, records: 16_384, wantedMs: 3000 };

export async function openLocal({ onState, flights = 20_000 }) {
  onState('connecting', null);
  const world = new World({ limits: { entities: 65_536 } });
  const scheduler = new ParallelScheduler(world, {
    executor: 'local',
    trace: { off: true, records: TRACE.records },
  });
  const tracing = scheduler.trace();
  const scene = await loadScene(new URL('./skies.wasm', import.meta.url));
  scheduler.addScene(scene, { entities: flights });
  // As the scene's own join, which only servers call.
  const own = world.spawn(
    [Pos, { x: 1, y: 0, z: 0, alt_ft: 0 }],
    [Pilot, { player: 1 }],
    [Glide, { x: 0, y: 0, z: 1, kt: 0, time_scale: 1 }],
  );
  let number = 0;
  let ms = 0;
  let last = 0;
  let shown = NaN;
  let tick = 0;
  let asked = 0;
  onState('live', null);

  const frame = {
    each(components, fn) {
      world.each({ read: components }, fn);
      return frame;
    },
    get: (entity, component) => (world.isAlive(entity) ? world.get(entity, component) : undefined),
    resource: resource => world.resource(resource),
  };

  /** Runs the frames that have become due. */
  const advance = now => {
    if (last === 0) last = now;
    const due = Math.floor(((now - last) * HZ) / 1000);
    for (let i = 0; i < Math.min(due, FRAMES_MAX); i++) {
      const report = scheduler.tick(1 / HZ);
      ms += (report.ms - ms) / 30;
      tick++;
    }
    last += (due * 1000) / HZ;
    if (tracing.enabled && now > asked + TRACE.wantedMs) tracing.off();
  };

  return {
    local: true,
    frame(now) {
      if (now !== shown) advance((shown = now));
      return frame;
    },
    send(value) {
      world.input(Steer, 1, ++number, own, value);
      return number;
    },
    own: () => own,
    stats: () => null,
    server: () => Promise.resolve({ ms, kind: 'in this page', players: 1 }),
    async trace(tag) {
      asked = performance.now();
      if (!tracing.enabled) {
        tracing.on();
        tick = 0;
      }
      if (!tick || tag === String(tick)) return {};
      return { bytes: tracing.bytes(TRACE), tag: String(tick) };
    },
    setLag() {},
    async close() {
      await scheduler.close();
      world.dispose();
    },
  };
}
