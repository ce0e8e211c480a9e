// SPDX-License-Identifier: MIT
// ctest: timeout=120, waits
// Prediction on a clock of its own, in process: the small world has the same bits as the server's,
// so on an undisturbed line nothing is ever corrected; and what jumps is made good.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { defineJob, loadScene, ParallelScheduler, World, type Entity, type Scene } from 'skep';
import { connect, type ConnectOptions, type Live } from 'skep/client';
import { createGateway, q, type Gateway } from 'skep/gateway';
import { HZ, Pond, Pos, Ship, Steer } from './live/pond.ts';
import { Wire } from './live/wire.ts';
import { linkScene, temporary } from './support/scenes.ts';

const FRAME_MS = 1000 / HZ;
const scene: Scene = await loadScene(linkScene(temporary(), 'pond'));

/** A client over a wire; what waits is let happen until it is there. */
async function joinBy(
  wire: Wire,
  gateway: Gateway,
  step: () => void,
  options: ConnectOptions,
): Promise<Live> {
  let live: Live | undefined;
  let error: unknown;
  connect('pond:', {
    transport: wire.to(gateway),
    now: () => wire.now,
    manual: true,
    timeoutMs: 0,
    ...options,
  }).then(
    l => (live = l),
    (e: unknown) => (error = e),
  );
  for (let i = 0; !live && !error && i < 2000; i++) {
    wire.advance(FRAME_MS);
    step();
    await new Promise(setImmediate);
  }
  if (error) throw error;
  assert.ok(live, 'the client never got live');
  return live;
}

/** What a stick does in a frame: the same for the same frame. */
const stick = (frame: number): { turn: number; horn: number } => ({
  turn: Math.fround(Math.sin(frame / 17) * 0.06 + (frame % 61 === 0 ? 0.3 : 0)),
  horn: 0,
});

interface Flown {
  live: Live;
  pond: Pond;
  /** Since the client knew its way to the server: the greatest step of the own ship from picture to
   * picture, and corrections. */
  jump: number;
  corrections: number;
}

/** Frames until the client knows its way to the server: inputs come late before that. */
const WARM_UP = 120;

/** Flies so many frames with the stick moving in every one. */
async function fly(wire: Wire, frames: number, disturb?: (frame: number) => void): Promise<Flown> {
  const pond = new Pond(scene, { ducks: 20, now: () => wire.now, manual: true });
  after(() => pond.close());
  let steps = 0;
  const step = (): void => {
    pond.step();
    if (++steps % 15 === 0) pond.gateway.turn();
  };
  const live = await joinBy(wire, pond.gateway, step, {
    components: [Pos, Ship],
    predict: { input: Steer, scene, systems: ['steer', 'sail'], params: { ducks: 0 } },
  });
  after(() => live.dispose());
  let jump = 0;
  let early = 0;
  let before: { x: number; y: number } | undefined;
  for (let frame = 0; frame < frames + WARM_UP; frame++) {
    if (frame === WARM_UP) early = live.stats().predict!.corrections;
    wire.advance(FRAME_MS);
    disturb?.(frame - WARM_UP);
    step();
    live.send(stick(frame));
    if (frame % 6 === 0) live.turn();
    const own = live.own.entity;
    const at = own ? live.frame(wire.now).get(own, Pos) : undefined;
    if (at && before && frame > WARM_UP) {
      jump = Math.max(jump, Math.hypot(at.x - before.x, at.y - before.y));
    }
    before = at;
  }
  assert.deepEqual(pond.errors, []);
  const corrections = live.stats().predict!.corrections - early;
  return { live, pond, jump, corrections };
}

describe('a scene in C', () => {
  test('an undisturbed line: nothing is corrected, in 4,000 ticks of steering', async () => {
    const wire = new Wire();
    wire.latencyMs = 40;
    const { live, jump, corrections } = await fly(wire, 4000);
    const { predict } = live.stats();
    assert.ok(predict!.compared > 1200, JSON.stringify(predict));
    assert.equal(corrections, 0, JSON.stringify(predict));
    assert.ok(predict!.lead >= 2, `${predict!.lead} ticks ahead`);
    // 4 metres a second.
    assert.ok(jump < 3 * (4 / HZ), `a jump of ${jump} m`);
  });

  test('inputs act at once, before the server can have heard of them', async () => {
    const wire = new Wire();
    wire.latencyMs = 100;
    const { live, pond } = await fly(wire, 200);
    const own = live.own.entity;
    const heading = (): number => live.frame(wire.now).get(own, Ship)!.heading;
    const before = heading();
    live.send({ turn: 1.5, horn: 0 });
    for (let i = 0; i < 3; i++) {
      wire.advance(FRAME_MS);
      pond.step();
    }
    assert.ok(Math.abs(heading() - before - 1.5) < 0.2, `${heading()} after ${before}`);
    assert.ok(Math.abs(pond.world.get(own, Ship)!.heading - before) < 1);
  });

  test('the server moves the ship: corrected, and made good without a jump', async () => {
    const wire = new Wire();
    wire.latencyMs = 50;
    const { live, pond } = await fly(wire, 200);
    const own = live.own.entity;
    pond.world.set(own, Pos, { x: pond.world.get(own, Pos)!.x + 2 });
    const known = live.stats().predict!.corrections;
    let before = live.frame(wire.now).get(own, Pos)!;
    let jump = 0;
    for (let i = 0; i < 120; i++) {
      wire.advance(FRAME_MS);
      pond.step();
      const at = live.frame(wire.now).get(own, Pos)!;
      jump = Math.max(jump, Math.hypot(at.x - before.x, at.y - before.y));
      before = at;
    }
    const { predict } = live.stats();
    assert.ok(predict!.corrections > known, JSON.stringify(predict));
    assert.ok(jump < 1, `a jump of ${jump} m where 2 m were to be made good`);
    assert.ok(predict!.error < 0.01, `${predict!.error} m are left`);
  });

  test('jitter and a cut: the ship flies on, and is where the server has it', async () => {
    const wire = new Wire(7);
    wire.latencyMs = 30;
    wire.jitterMs = 60;
    const { live, pond } = await fly(wire, 600, frame => {
      if (frame === 300) wire.cut();
    });
    for (let i = 0; i < 120; i++) {
      wire.advance(FRAME_MS);
      pond.step();
      if (i % 6 === 0) live.turn();
      live.frame(wire.now);
    }
    assert.equal(live.state, 'live');
    const own = live.own.entity;
    assert.ok(pond.world.isAlive(own));
    const [mine, theirs] = [live.frame(wire.now).get(own, Ship)!, pond.world.get(own, Ship)!];
    assert.equal(mine.heading, theirs.heading);
  });
});

test('a scene that declares it all: published, joined, predicted', async () => {
  const wire = new Wire();
  wire.latencyMs = 25;
  const world = new World({ memoryMax: 64 << 20 });
  const scheduler = new ParallelScheduler(world, { executor: 'local' });
  scheduler.addScene(scene, { ducks: 10 });
  const gateway = createGateway({ now: () => wire.now, manual: true });
  const errors: Error[] = [];
  gateway.on('error', error => errors.push(error));
  gateway.publish(world);
  const step = (): void => void scheduler.tick(1 / HZ);
  const live = await joinBy(wire, gateway, step, {
    components: [Pos, Ship],
    predict: { input: Steer, scene },
  });
  let early = 0;
  for (let frame = 0; frame < 400; frame++) {
    if (frame === WARM_UP) early = live.stats().predict!.corrections;
    wire.advance(FRAME_MS);
    step();
    live.send(stick(frame));
    live.frame(wire.now);
  }
  assert.ok(gateway.schema.includes('Pos') && gateway.schema.includes('Steer'));
  assert.ok(!gateway.schema.includes('Secret'), gateway.schema.join());
  const { own } = live;
  assert.equal([...gateway.players.values()][0]!.own, own.entity);
  assert.ok(world.get(own.entity, Ship)!.heading !== 0);
  const { predict } = live.stats();
  assert.ok(predict!.compared > 100, JSON.stringify(predict));
  assert.equal(predict!.corrections, early, JSON.stringify(predict));
  assert.deepEqual(errors, []);
  live.close();
  wire.advance(1000);
  step();
  assert.equal(world.isAlive(own.entity), false, 'who left took his ship along');
  live.dispose();
  await gateway.close();
  await scheduler.close();
});

describe('jobs in JavaScript', () => {
  const steer = defineJob(
    { name: 'steer', writes: [Ship], hears: [Steer] },
    ({ n, out, inbox }) => {
      const { begin, turn } = inbox.Steer;
      for (let i = 0; i < n; i++) {
        for (let k = begin[i]!; k < begin[i + 1]!; k++) out.Ship.heading[i]! += turn[k]!;
      }
    },
  );
  const sail = defineJob({ name: 'sail', reads: [Ship], writes: [Pos] }, ({ n, cols, out, dt }) => {
    for (let i = 0; i < n; i++) {
      out.Pos.x[i]! += Math.fround(cols.Ship.heading[i]! * dt);
    }
  });

  test('the same jobs on both sides: nothing is corrected', async () => {
    const wire = new Wire();
    wire.latencyMs = 25;
    const world = new World({ memoryMax: 64 << 20 });
    const scheduler = new ParallelScheduler(world, { executor: 'local' });
    scheduler.register(steer);
    scheduler.register(sail);
    const gateway = createGateway({ now: () => wire.now, manual: true });
    const errors: Error[] = [];
    gateway.on('error', error => errors.push(error));
    gateway.publish(world, {
      components: [Pos, Ship],
      fields: { Pos: { x: q(1 / 64), y: q(1 / 64) } },
    });
    gateway.accept(Steer);
    gateway.on('join', player => (player.own = world.spawn(Pos, [Ship, { speed: 1 }])));
    const step = (): void => void scheduler.tick(1 / HZ);
    const live = await joinBy(wire, gateway, step, {
      components: [Pos, Ship],
      predict: { input: Steer, jobs: [steer, sail] },
    });
    let early = 0;
    for (let frame = 0; frame < 600; frame++) {
      if (frame === WARM_UP) early = live.stats().predict!.corrections;
      wire.advance(FRAME_MS);
      step();
      live.send(stick(frame));
      live.frame(wire.now);
    }
    const { predict } = live.stats();
    assert.ok(predict!.compared > 100, JSON.stringify(predict));
    assert.equal(predict!.corrections, early, JSON.stringify(predict));
    assert.ok(world.get(live.own.entity, Ship)!.heading !== 0);
    assert.deepEqual(errors, []);
    live.dispose();
    await gateway.close();
    await scheduler.close();
  });
});
