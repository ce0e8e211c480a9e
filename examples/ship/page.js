// SPDX-License-Identifier: MIT
// The page: the sea as the server has it, and one's own ship, which answers to the keys at once.

import { connect } from './skep/client.js';
import { defineComponent, defineInput } from './skep/index.js';

const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
const Ship = defineComponent({
  name: 'Ship',
  fields: { turn: 'f32', sail: 'f32', course: 'f32', speed: 'f32' },
});
const Steer = defineInput({ name: 'Steer', fields: { turn: 'f32', sail: 'f32' } });

const live = await connect(`${location.origin.replace(/^http/, 'ws')}/world`, {
  components: [Pos, Ship],
  predict: {
    input: Steer,
    scene: new URL('ship.wasm', import.meta.url),
    systems: ['steer', 'sail'],
  },
  timeoutMs: 0,
  onState(state, why) {
    document.querySelector('#state').textContent = why ? `${state}: ${why.message}` : state;
  },
});

const held = new Set();
for (const type of ['keydown', 'keyup']) {
  addEventListener(type, ({ key, repeat }) => {
    if (repeat) return;
    if (type === 'keydown') held.add(key);
    else held.delete(key);
    const [left, right, up] = ['ArrowLeft', 'ArrowRight', 'ArrowUp'].map(k => Number(held.has(k)));
    live.send({ turn: right - left, sail: up });
  });
}

const sea = document.querySelector('#sea');
const to = sea.getContext('2d');
const dark = matchMedia('(prefers-color-scheme: dark)');

function draw(now) {
  Object.assign(sea, { width: innerWidth, height: innerHeight });
  const scale = Math.min(innerWidth, innerHeight) / 1050;
  to.setTransform(scale, 0, 0, -scale, innerWidth / 2, innerHeight / 2);
  const frame = live.frame(now);
  to.fillStyle = dark.matches ? '#5d818d' : '#7fa3ad';
  frame.each([Pos], (n, pos) => {
    for (let i = 0; i < n; i++) to.fillRect(pos.x[i] - 3, pos.y[i] - 3, 6, 6);
  });
  frame.each([Pos, Ship], (n, pos, ship, entities) => {
    for (let i = 0; i < n; i++) {
      to.save();
      to.translate(pos.x[i], pos.y[i]);
      to.rotate(-ship.course[i]);
      to.fillStyle = entities.at(i) === live.own.entity ? '#e2571e' : '#2b7a8c';
      to.fill(new Path2D('M0 22 L9 -14 L0 -8 L-9 -14 Z'));
      to.restore();
    }
  });
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);
