// SPDX-License-Identifier: MIT
// A live world of 20,000 flights on either end, without a network and without a browser: what the
// client in wasm takes to take a state in and to show a picture, and what the gateway adds to the
// frames from state to state.

import { defineComponent } from 'skep';
import { FLIGHTS, Skies } from '../live.ts';
import { expect, type Contender, type Row, type Subject } from '../row.ts';

const Pos = defineComponent({
  name: 'Pos',
  fields: { x: 'f32', y: 'f32', z: 'f32', alt_ft: 'f32' },
});

/** Work that is timed by itself, between other work. */
function timedSubject(skies: Skies, once: () => number | bigint, check: () => void): Subject {
  return {
    run: () => void once(),
    timed: async () => Number(once()),
    check,
    close: () => skies.close(),
  };
}

/** Between two states at hand, as by hand: four columns, each row between its two values. */
const byHand: Contender = {
  name: 'typed arrays, a picture',
  role: 'limit',
  make: () => {
    const columns = (by: number) =>
      Array.from({ length: 4 }, () => new Float32Array(FLIGHTS).fill(by));
    const [from, to, shown] = [columns(1), columns(2), columns(0)];
    const between = (a: Float32Array, b: Float32Array, out: Float32Array, at: number): void => {
      for (let i = 0; i < FLIGHTS; i++) out[i] = a[i]! + (b[i]! - a[i]!) * at;
    };
    return {
      run() {
        for (let k = 0; k < 4; k++) between(from[k]!, to[k]!, shown[k]!, 0.25);
      },
      check: () => expect(shown[3]![FLIGHTS - 1] === 1.25, 'nothing is between'),
    };
  },
};

const takeIn: Contender = {
  name: 'skep, a state taken in',
  role: 'ours',
  make: async () => {
    const skies = await Skies.open(1);
    const states = skies.live.stats().states;
    let taken = 0;
    const once = (): bigint => {
      taken++;
      skies.stepToState();
      const begin = process.hrtime.bigint();
      skies.deliver();
      const end = process.hrtime.bigint();
      skies.live.frame(skies.now);
      return end - begin;
    };
    return timedSubject(skies, once, () => {
      const got = skies.live.stats().states - states;
      expect(got === taken, `${got} states of ${taken}`);
    });
  },
};

const show: Contender = {
  name: 'skep, a picture',
  role: 'ours',
  make: async () => {
    const skies = await Skies.open(1);
    let rows = 0;
    const once = (): bigint => {
      skies.stepToState();
      skies.deliver();
      const begin = process.hrtime.bigint();
      rows = 0;
      skies.live.frame(skies.now).each([Pos], n => void (rows += n));
      return process.hrtime.bigint() - begin;
    };
    return timedSubject(skies, once, () => expect(rows > FLIGHTS * 0.99, `${rows} rows`));
  },
};

export const client: Row = {
  name: 'client',
  title: 'the client, a state of 20,000 flights, an entity',
  unit: 'ns',
  per: FLIGHTS,
  contenders: [byHand, takeIn, show],
  bars: [],
};

/** CPU time from state to state, of so many sessions. */
function serving(name: string, sessions: number): Contender {
  return {
    name,
    role: sessions ? 'ours' : 'limit',
    make: async () => {
      const skies = await Skies.open(sessions);
      const states = sessions ? skies.live.stats().states : 0;
      let served = 0;
      const once = (): number => {
        served++;
        const begin = process.cpuUsage();
        skies.stepToState();
        const { user, system } = process.cpuUsage(begin);
        if (sessions) {
          skies.deliver();
          skies.live.frame(skies.now);
        }
        return (user + system) * 1000;
      };
      return timedSubject(skies, once, () => {
        if (!sessions) return;
        const got = skies.live.stats().states - states;
        expect(got === served, `${got} states of ${served}`);
      });
    },
  };
}

export const gateway: Row = {
  name: 'gateway',
  title: 'CPU time of the three frames from state to state, 20,000 flights',
  unit: 'ms',
  contenders: [
    serving('no gateway', 0),
    serving('skep, 1 client', 1),
    serving('skep, 50 clients', 50),
  ],
  bars: [],
};
