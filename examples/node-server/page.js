// SPDX-License-Identifier: MIT
// The page: a live view of the server's balls on a canvas. One's own ball is predicted by the jobs
// that the server runs, so that it follows the keys at once.

import { connect } from 'skep/client';
import { fall, HEIGHT, Owner, Pos, push, Push, Vel, WIDTH } from './physics.js';

const canvas = document.querySelector('#box');
const context = canvas.getContext('2d');
const state = document.querySelector('#state');
const figures = document.querySelector('#figures');
const dark = matchMedia('(prefers-color-scheme: dark)');

const live = await connect(`${location.origin.replace(/^http/, 'ws')}/world`, {
  components: [Pos, Vel, Owner],
  predict: { input: Push, jobs: [push, fall] },
  timeoutMs: 0,
  onState: (now, why) => {
    state.textContent = why ? `${now}: ${why.message}` : now;
  },
});

// ---- pushing -----------------------------------------------------------------------------------

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const held = new Set();
let pointer = null;
addEventListener('keydown', event => KEYS[event.key] && held.add(event.key));
addEventListener('keyup', event => held.delete(event.key));
addEventListener('blur', () => held.clear());
canvas.addEventListener('pointerdown', event => (pointer = event));
canvas.addEventListener('pointermove', event => pointer && (pointer = event));
for (const end of ['pointerup', 'pointercancel']) {
  canvas.addEventListener(end, () => (pointer = null));
}

/** Where the own ball is to be pushed, -1 to 1 on each axis. */
function wish(at, view) {
  let [x, y] = [0, 0];
  for (const key of held) {
    x += KEYS[key][0];
    y += KEYS[key][1];
  }
  if (pointer && at) {
    const dx = (pointer.clientX - view.left) / view.scale - at.x;
    const dy = (view.bottom - pointer.clientY) / view.scale - at.y;
    const far = Math.hypot(dx, dy) || 1;
    x += dx / far;
    y += dy / far;
  }
  return { x, y };
}

// ---- drawing -----------------------------------------------------------------------------------

/** Where the box is on the page, in CSS pixels. */
function place() {
  const scale = Math.min(innerWidth / WIDTH, innerHeight / HEIGHT) * 0.96;
  const left = (innerWidth - WIDTH * scale) / 2;
  return { scale, left, bottom: (innerHeight + HEIGHT * scale) / 2 };
}

function dot(view, x, y, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(view.left + x * view.scale, view.bottom - y * view.scale, radius, 0, 2 * Math.PI);
  context.fill();
}

let sent = 0;
function draw(now) {
  const ratio = devicePixelRatio;
  const view = place();
  canvas.width = innerWidth * ratio;
  canvas.height = innerHeight * ratio;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.strokeStyle = dark.matches ? '#57503f' : '#c9c0ac';
  const top = view.bottom - HEIGHT * view.scale;
  context.strokeRect(view.left, top, WIDTH * view.scale, HEIGHT * view.scale);

  const { entity } = live.own;
  const frame = live.frame(now);
  context.fillStyle = dark.matches ? '#e0a526' : '#a86f00';
  frame.each([Pos], (n, pos) => {
    const size = Math.max(view.scale * 0.5, 1.5);
    for (let i = 0; i < n; i++) {
      const x = view.left + pos.x[i] * view.scale;
      context.fillRect(x - size / 2, view.bottom - pos.y[i] * view.scale - size / 2, size, size);
    }
  });
  frame.each([Pos, Owner], (n, pos, owner, entities) => {
    for (let i = 0; i < n; i++) {
      const mine = entities.at(i) === entity;
      const hue = (owner.player[i] * 67) % 360;
      dot(view, pos.x[i], pos.y[i], mine ? 10 : 7, `hsl(${hue} 70% ${dark.matches ? 65 : 42}%)`);
    }
  });

  // A push a frame of the server's, while there is something to push.
  const { x, y } = wish(entity ? frame.get(entity, Pos) : undefined, view);
  if ((x || y) && now - sent > 15) {
    sent = now;
    live.send({ x: x * 1.2, y: y * 1.2 });
  }
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);

let bytes = 0;
setInterval(() => {
  const s = live.stats();
  const rate = ((s.bytesReceived - bytes) / 1024).toFixed(1);
  bytes = s.bytesReceived;
  figures.textContent =
    `${s.entities} balls, ${rate} KiB/s, ${s.delayMs.toFixed(0)} ms late, `
    + `${s.predict.corrections} corrections`;
}, 1000);
