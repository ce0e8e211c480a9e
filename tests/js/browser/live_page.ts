// SPDX-License-Identifier: MIT
// The page's part of browser_live.test.ts: a client that predicts its own ship.

import { connect, webSocketTransport, type Live, type Transport } from 'skep/client';
import { defineComponent, defineInput, type Entity } from 'skep';

const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
const Ship = defineComponent({
  name: 'Ship',
  fields: { heading: 'f32', speed: 'f32', player: 'u32' },
});
const Steer = defineInput({ name: 'Steer', fields: { turn: 'f32', horn: 'u8' } });

/** A WebSocket whose messages take longer: half of `ms` more each way, in their order. */
function slower(ms: number): Transport {
  const line = () => {
    let last: Promise<unknown> = Promise.resolve();
    return (work: () => void): void => {
      const due = new Promise(done => setTimeout(done, ms / 2));
      last = Promise.all([last, due]).then(work);
    };
  };
  return {
    connect(url, events) {
      const [up, down] = [line(), line()];
      const socket = webSocketTransport.connect(url, {
        open: () => events.open(),
        message: bytes => down(() => events.message(bytes)),
        closed: (code, reason) => down(() => events.closed(code, reason)),
      });
      return {
        buffered: 0,
        send(bytes) {
          const copy = bytes.slice();
          up(() => socket.send(copy));
        },
        close: (code, reason) => up(() => socket.close(code, reason)),
      };
    },
  };
}

let live: Live;
const states: string[] = [];

/** A picture of the page's clock; a page behind another one has none but by timers. */
const picture = (): Promise<number> =>
  new Promise(done => {
    requestAnimationFrame(done);
    setTimeout(() => done(performance.now()), 100);
  });

export async function join(
  url: string,
  latencyMs = 0,
): Promise<{ player: number; shared: boolean }> {
  live = await connect(url, {
    ...(latencyMs && { transport: slower(latencyMs) }),
    components: [Pos, Ship],
    predict: {
      input: Steer,
      scene: '/pond.wasm',
      systems: ['steer', 'sail'],
      params: { ducks: 0 },
    },
    onState: state => states.push(state),
  });
  await until(() => live.own.entity !== 0);
  return { player: live.own.player, shared: globalThis.crossOriginIsolated };
}

async function until(so: () => boolean): Promise<void> {
  for (;;) {
    live.frame(await picture());
    if (so()) return;
  }
}

/** Turns for some pictures; the heading then, and the greatest step of the own ship. */
export async function steer(pictures: number): Promise<{ heading: number; jump: number }> {
  let jump = 0;
  let before: { x: number; y: number; at: number } | undefined;
  const own = live.own.entity;
  for (let i = 0; i < pictures; i++) {
    const at = await picture();
    live.send({ turn: 0.02, horn: 0 });
    const place = live.frame(at).get(own, Pos);
    if (place && before) {
      // Beyond what 4 metres a second make of the time between two pictures.
      const step = Math.hypot(place.x - before.x, place.y - before.y);
      jump = Math.max(jump, step - (4 * (at - before.at)) / 1000);
    }
    before = place && { ...place, at };
  }
  for (let i = 0; i < 20; i++) live.frame(await picture());
  return { heading: live.frame().get(own, Ship)!.heading, jump };
}

/** Steers to and fro for some pictures. Where the own ship was in each: the moment, the predicted
 * tick, and the place that was shown. */
export async function weave(pictures: number): Promise<[number, number, number, number][]> {
  const own = live.own.entity;
  const flown: [number, number, number, number][] = [];
  for (let i = 0; i < pictures; i++) {
    const at = await picture();
    live.send({ turn: Math.sin(i / 15) * 0.05, horn: 0 });
    const place = live.frame(at).get(own, Pos)!;
    flown.push([at, live.stats().predict!.tick, place.x, place.y]);
  }
  return flown;
}

/** What was predicted, and how far away the server is. */
export function figures(): unknown {
  const { predict, rttMs } = live.stats();
  return { ...predict, rttMs };
}

/** Waits until another player's ship is shown with about this heading. */
export async function sees(player: number, heading: number): Promise<number> {
  let found = NaN;
  await until(() => {
    live.frame().each([Ship], (n, ship) => {
      for (let i = 0; i < n; i++) if (ship.player[i] === player) found = ship.heading[i]!;
    });
    return Math.abs(found - heading) < 1e-3;
  });
  return found;
}

/** Waits for a state, and gives all so far. */
export async function reaches(state: string): Promise<string[]> {
  await until(() => live.state === state);
  return states;
}

export function leave(): unknown {
  const { predict } = live.stats();
  live.dispose();
  return predict;
}
