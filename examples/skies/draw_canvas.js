// SPDX-License-Identifier: MIT
// Draws marks and trails where there is no WebGL: one path for all trails, one for each kind of
// mark, all of them plain.

import { MARK, PIECE } from './traffic.js';

const css = ([r, g, b], a = 1) =>
  `rgba(${Math.round(r * 255)}, ${Math.round(g * 255)}, ${Math.round(b * 255)}, ${a})`;

/** A plane from above in a path, ahead where the direction points. */
function plane(to, x, y, hx, hy, size) {
  const at = (ahead, side) =>
    to.lineTo(x + (hx * ahead - hy * side) * size, y + (hy * ahead + hx * side) * size);
  to.moveTo(x + hx * size, y + hy * size);
  at(-0.75, 0.7);
  at(-0.4, 0);
  at(-0.75, -0.7);
  to.closePath();
}

export function drawByCanvas(canvas) {
  const to = canvas.getContext('2d');
  return {
    name: 'Canvas',
    draw(traffic, view, style) {
      const dpr = Math.min(devicePixelRatio, 2);
      const [w, h] = [Math.round(view.width * dpr), Math.round(view.height * dpr)];
      if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
      to.setTransform(1, 0, 0, 1, 0, 0);
      to.clearRect(0, 0, w, h);
      to.setTransform(dpr, 0, 0, dpr, w / 2, h / 2);
      if (style.trails) {
        const { pieces, pieceCount } = traffic;
        to.beginPath();
        for (let at = 0; at < pieceCount * PIECE; at += PIECE) {
          to.moveTo(pieces[at], pieces[at + 1]);
          to.lineTo(pieces[at + 2], pieces[at + 3]);
        }
        to.lineWidth = style.wide;
        to.strokeStyle = css(style.trail, style.trailShows * 0.5);
        to.stroke();
      }
      const { marks, markCount } = traffic;
      for (let kind = 0; kind < style.kinds.length; kind++) {
        const size = style.size * (kind === 0 ? 0.5 : kind < 2 ? 0.65 : 1);
        to.beginPath();
        for (let at = 0; at < markCount * MARK; at += MARK) {
          if (marks[at + 5] !== kind) continue;
          if (size < 3) to.rect(marks[at] - size / 2, marks[at + 1] - size / 2, size, size);
          else plane(to, marks[at], marks[at + 1], marks[at + 2], marks[at + 3], size);
        }
        to.fillStyle = css(kind === 0 ? style.high : style.kinds[kind]);
        to.fill();
      }
    },
  };
}
