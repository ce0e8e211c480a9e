// SPDX-License-Identifier: MIT
// The strip of frame times: half a minute from left to right, the longest frame of each pixel, the
// budget as a line, and the slowest marked.

import { time } from '../../viewer/format.ts';
import { KEEP_MS } from './frames_store.js';

const HEAD = 13;
const FONT = '11px ui-sans-serif, system-ui, sans-serif';

export class FramesStrip {
  #canvas;
  #g;
  #left;

  constructor(canvas, left) {
    this.#canvas = canvas;
    this.#g = canvas.getContext('2d');
    this.#left = left;
  }

  /** `now` is the server's clock, at the right edge. */
  draw(store, theme, now) {
    const [g, canvas] = [this.#g, this.#canvas];
    const scale = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, width, height);
    const budget = store.trace?.budgetNs ?? 0;
    const top = this.#top(store, budget);
    const room = height - HEAD - 1;
    const y = ns => height - 1 - Math.min(1, ns / top) * room;
    const x = at => width - ((now - at) / KEEP_MS) * (width - this.#left);
    this.#bars(store.bars, { x, y, theme, budget, scale, height });
    g.fillStyle = theme.line;
    g.fillRect(this.#left, height - 1, width - this.#left, 1);
    if (budget) this.#budget(budget, y(budget), width, theme);
    if (store.slowest) this.#mark(store.slowest, x(store.slowest.at), y, theme);
  }

  /** One frame that hung must not make the others flat. */
  #top({ bars, slowest }, budget) {
    const most = slowest?.ns ?? 1;
    const sum = bars.reduce((all, bar) => all + bar.ns, 0);
    const usual = sum / Math.max(1, bars.length);
    return Math.max(budget * 1.2, Math.min(most, Math.max(usual * 6, budget * 2)), 1);
  }

  #bars(bars, { x, y, theme, budget, scale, height }) {
    const g = this.#g;
    const step = 1 / scale;
    for (let i = 0; i < bars.length;) {
      const from = Math.floor(x(bars[i].at) * scale) * step;
      let longest = 0;
      for (; i < bars.length && x(bars[i].at) < from + step; i++) {
        longest = Math.max(longest, bars[i].ns);
      }
      if (from < this.#left) continue;
      g.fillStyle = budget && longest > budget ? theme.hot : theme.bar;
      g.fillRect(from, y(longest), step, height - 1 - y(longest));
    }
  }

  #budget(budget, at, width, theme) {
    const g = this.#g;
    const line = Math.round(at) + 0.5;
    g.strokeStyle = g.fillStyle = theme.hot;
    g.lineWidth = 1;
    g.setLineDash([4, 3]);
    g.beginPath();
    g.moveTo(this.#left, line);
    g.lineTo(width, line);
    g.stroke();
    g.setLineDash([]);
    g.font = FONT;
    g.textBaseline = 'middle';
    g.textAlign = 'right';
    g.fillText(time(budget), this.#left - 8, line);
    g.textAlign = 'left';
  }

  #mark({ ns }, at, y, theme) {
    const g = this.#g;
    const x = Math.max(this.#left, at);
    g.fillStyle = theme.hot;
    g.beginPath();
    g.arc(x, y(ns) - 4, 2.5, 0, 7);
    g.fill();
    g.font = `600 ${FONT}`;
    g.fillStyle = theme.ink;
    g.textBaseline = 'bottom';
    const text = time(ns);
    const right = x + g.measureText(text).width + 10 > this.#canvas.clientWidth;
    g.textAlign = right ? 'right' : 'left';
    g.fillText(text, right ? x - 6 : x + 6, y(ns) + 1);
    g.textAlign = 'left';
  }
}
