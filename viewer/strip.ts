// SPDX-License-Identifier: MIT
// The strip of frames on top: a bar a frame, or the longest frame of each pixel; the budget's line;
// the worst frames marked; the selected one, and what the Gantt shows of all.

import { time } from './format.ts';
import type { FrameRange, State } from './state.ts';
import { FONT } from './surface.ts';
import type { Theme } from './theme.ts';

/** How many of the worst frames are marked. */
const MARKED = 5;
const HEAD = 14;
const FOOT = 6;

/** What the owner is told. */
export interface StripEvents {
  pick(frame: number): void;
  range(range: FrameRange): void;
  hover(frame: number, x: number): void;
}

/** The strip, on a canvas. */
export class Strip {
  readonly #canvas: HTMLCanvasElement;
  readonly #g: CanvasRenderingContext2D;
  readonly #state: State;
  readonly #events: StripEvents;
  #theme: Theme;
  #left = 112;
  #size = { width: 0, height: 0, scale: 1 };
  /** All bars; drawn anew when they change, not for each move of the view. */
  #bars: OffscreenCanvas | null = null;
  #wanted = 0;
  #from = -1;
  #moved = false;
  #top = 1;

  constructor(canvas: HTMLCanvasElement, state: State, theme: Theme, events: StripEvents) {
    this.#canvas = canvas;
    this.#g = canvas.getContext('2d', { alpha: false })!;
    this.#state = state;
    this.#theme = theme;
    this.#events = events;
    canvas.addEventListener('pointerdown', event => this.#down(event));
    canvas.addEventListener('pointermove', event => this.#move(event));
    canvas.addEventListener('pointerup', event => this.#up(event));
    canvas.addEventListener('pointercancel', () => (this.#from = -1));
    canvas.addEventListener('pointerleave', () => events.hover(-1, 0));
    state.on('trace', () => (this.#top = this.#highest()));
    for (const change of ['trace', 'frame'] as const) state.on(change, () => this.#again());
    for (const change of ['range', 'view'] as const) state.on(change, () => this.invalidate());
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#again();
  }

  #again(): void {
    this.#bars = null;
    this.invalidate();
  }

  resize(left: number): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio || 1;
    const last = this.#size;
    const same = width === last.width && height === last.height && scale === last.scale;
    if (same && left === this.#left) return;
    this.#left = left;
    this.#size = { width, height, scale };
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#bars = null;
    this.draw();
  }

  invalidate(): void {
    this.#wanted ||= requestAnimationFrame(() => this.draw());
  }

  get #width(): number {
    return this.#size.width - this.#left - 8;
  }

  get #frames() {
    return this.#state.model?.trace.frames ?? [];
  }

  /** Where a frame's bar begins. */
  #x(frame: number): number {
    return this.#left + (frame * this.#width) / Math.max(1, this.#frames.length);
  }

  #frameAt(event: PointerEvent): number {
    const x = event.clientX - this.#canvas.getBoundingClientRect().left - this.#left;
    const frame = Math.floor((x / this.#width) * this.#frames.length);
    return Math.max(0, Math.min(this.#frames.length - 1, frame));
  }

  /** The worst frame within two pixels, so that it can be hit among thousands. */
  #worstNear(frame: number): number {
    const reach = Math.ceil((2 * this.#frames.length) / this.#width) - 1;
    const length = (i: number): number => this.#frames[i]!.end - this.#frames[i]!.begin;
    let best = frame;
    const [first, last] = [frame - reach, frame + reach];
    for (let i = Math.max(0, first); i <= Math.min(this.#frames.length - 1, last); i++) {
      if (length(i) > length(best)) best = i;
    }
    return best;
  }

  #down(event: PointerEvent): void {
    if (!this.#frames.length || event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#from = this.#frameAt(event);
    this.#moved = false;
  }

  #move(event: PointerEvent): void {
    if (!this.#frames.length) return;
    const at = this.#frameAt(event);
    if (this.#from < 0) {
      if (event.pointerType !== 'touch') this.#events.hover(this.#worstNear(at), event.clientX);
      return;
    }
    const far = Math.abs(this.#x(at) - this.#x(this.#from)) >= 4;
    if (at === this.#from || (!this.#moved && !far)) return;
    this.#moved = true;
    const [first, last] = [Math.min(at, this.#from), Math.max(at, this.#from)];
    this.#events.range({ first, end: last + 1 });
  }

  #up(event: PointerEvent): void {
    const clicked = this.#from >= 0 && !this.#moved;
    this.#from = -1;
    if (clicked) this.#events.pick(this.#worstNear(this.#frameAt(event)));
  }

  /** The length that reaches the top: one frame that hung must not make the others flat. */
  #highest(): number {
    const lengths = Float64Array.from(this.#frames, frame => frame.end - frame.begin).sort();
    const most = lengths.at(-1) ?? 1;
    const usual = lengths[Math.floor((lengths.length - 1) * 0.98)] ?? most;
    const budget = this.#state.model?.trace.budgetNs ?? 0;
    return Math.min(Math.max(most, budget * 1.15), Math.max(usual * 3, budget * 2)) || 1;
  }

  draw(): void {
    if (this.#wanted) cancelAnimationFrame(this.#wanted);
    this.#wanted = 0;
    const [g, theme] = [this.#g, this.#theme];
    const { width, height, scale } = this.#size;
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.fillStyle = theme.card;
    g.fillRect(0, 0, width, height);
    const { model } = this.#state;
    if (!model || !this.#frames.length || !width || !height) return;
    const top = this.#top;
    const room = height - HEAD - FOOT;
    const y = (ns: number): number => height - FOOT - Math.min(1, ns / top) * room;
    this.#grounds(height);
    this.#bars ??= this.#barsImage(y);
    g.drawImage(this.#bars, 0, 0, width, height);
    this.#budget(model.trace.budgetNs, y, width);
    this.#marks(y);
    g.font = `11px ${FONT}`;
    g.fillStyle = theme.soft;
    g.textBaseline = 'top';
    g.textAlign = 'right';
    const { budgetNs } = model.trace;
    if (!budgetNs || y(budgetNs) > HEAD + 14) g.fillText(time(top), this.#left - 8, HEAD - 5);
    g.textBaseline = 'bottom';
    g.fillText('0', this.#left - 8, height - FOOT + 3);
    g.textAlign = 'left';
  }

  /** What was marked, what the Gantt shows, which frame is selected. */
  #grounds(height: number): void {
    const [g, theme, state] = [this.#g, this.#theme, this.#state];
    const band = (from: number, to: number, colour: string, alpha: number): void => {
      g.fillStyle = colour;
      g.globalAlpha = alpha;
      g.fillRect(from, 0, Math.max(2, to - from), height);
      g.globalAlpha = 1;
    };
    const { range, view, model, frame } = state;
    if (state.marked) band(this.#x(range.first), this.#x(range.end), theme.accent, 0.12);
    const first = model!.frameAfter(view.begin);
    const last = Math.max(first + 1, model!.frameAfter(view.end) + 1);
    const [from, to] = [this.#x(first), this.#x(Math.min(last, this.#frames.length))];
    if (last - first < this.#frames.length) band(from, to, theme.soft, 0.13);
    if (frame < 0) return;
    const middle = (this.#x(frame) + this.#x(frame + 1)) / 2;
    g.fillStyle = theme.chosen;
    g.beginPath();
    g.moveTo(middle - 5, height);
    g.lineTo(middle + 5, height);
    g.lineTo(middle, height - 5);
    g.fill();
  }

  #barsImage(y: (ns: number) => number): OffscreenCanvas {
    const [theme, frames, top] = [this.#theme, this.#frames, this.#top];
    const { height, scale } = this.#size;
    const image = new OffscreenCanvas(this.#canvas.width, this.#canvas.height);
    const g = image.getContext('2d')!;
    g.setTransform(scale, 0, 0, scale, 0, 0);
    const slot = this.#width / frames.length;
    const budget = this.#state.model!.trace.budgetNs;
    const gap = slot >= 4 ? 1 : 0;
    for (let i = 0; i < frames.length;) {
      const from = Math.floor(this.#x(i) * scale) / scale;
      let [longest, next] = [0, i];
      let selected = false;
      do {
        longest = Math.max(longest, frames[next]!.end - frames[next]!.begin);
        selected ||= next === this.#state.frame;
        next++;
      } while (next < frames.length && this.#x(next) < from + 1 / scale);
      const to = Math.max(from + 1 / scale, Math.floor(this.#x(next) * scale) / scale - gap);
      const over = budget > 0 && longest > budget;
      g.fillStyle = selected ? theme.chosen : over ? theme.hot : theme.bar;
      const at = y(longest);
      g.fillRect(from, at, to - from, height - FOOT - at);
      // Longer than can be shown: the bar is cut.
      if (longest > top * 1.001) {
        g.fillStyle = theme.card;
        g.fillRect(from - 1, at + 6, to - from + 2, 2);
      }
      i = next;
    }
    return image;
  }

  #budget(budget: number, y: (ns: number) => number, width: number): void {
    if (!budget) return;
    const [g, theme] = [this.#g, this.#theme];
    const at = Math.round(y(budget)) + 0.5;
    g.strokeStyle = theme.hot;
    g.lineWidth = 1;
    g.setLineDash([4, 3]);
    g.beginPath();
    g.moveTo(this.#left, at);
    g.lineTo(width - 8, at);
    g.stroke();
    g.setLineDash([]);
    g.font = `11px ${FONT}`;
    g.fillStyle = theme.hot;
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    const clear = Math.min(at, this.#size.height - FOOT - 14);
    const text = this.#left < 100 ? time(budget) : `budget ${time(budget)}`;
    g.fillText(text, this.#left - 8, clear);
    g.textAlign = 'left';
  }

  /** The worst frames, with how long they took where there is room. */
  #marks(y: (ns: number) => number): void {
    const [g, theme] = [this.#g, this.#theme];
    g.font = `600 11px ${FONT}`;
    g.textBaseline = 'bottom';
    const taken: number[] = [];
    for (const { index, begin, end } of this.#state.worst.slice(0, MARKED)) {
      const x = (this.#x(index) + this.#x(index + 1)) / 2;
      const at = y(end - begin);
      g.fillStyle = theme.hot;
      g.beginPath();
      g.arc(x, at - 4, 2.5, 0, 7);
      g.fill();
      if (taken.some(other => Math.abs(other - x) < 110)) continue;
      taken.push(x);
      const text = time(end - begin);
      const room = g.measureText(text).width + 8;
      const left = x + room + 4 > this.#size.width ? x - room : x + 7;
      g.fillStyle = theme.ink;
      g.fillText(text, left, at + 1);
    }
  }
}
