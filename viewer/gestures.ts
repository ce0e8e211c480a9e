// SPDX-License-Identifier: MIT
// Pointers and wheels on a Gantt: dragging pans, dragging in the ruler or with Shift marks a
// stretch, two fingers pinch, the wheel pans and scrolls and zooms with Ctrl. What is meant is told
// to whoever owns the chart, which alone decides what to do.

import type { Gantt, Hit, Span } from './gantt.ts';

/** What a chart's owner is told. */
export interface GestureEvents {
  view(view: Span): void;
  mark(span: Span | null): void;
  pick(hit: Hit): void;
  /** Null when the pointer has left. */
  hover(hit: Hit | null, x: number, y: number): void;
}

/** So far a click may move. */
const CLICK = 4;

/** A view zoomed by a factor around a moment. */
export function zoomed({ begin, end }: Span, factor: number, at: number): Span {
  return { begin: at - (at - begin) * factor, end: at + (end - at) * factor };
}

/** A view moved by a part of its width. */
export function panned({ begin, end }: Span, part: number): Span {
  const by = (end - begin) * part;
  return { begin: begin + by, end: end + by };
}

interface Finger {
  x: number;
  y: number;
}

/** Listens on the chart's canvas. */
export class Gestures {
  readonly #gantt: Gantt;
  readonly #events: GestureEvents;
  readonly #fingers = new Map<number, Finger>();
  #start: (Finger & { view: Span; scroll: number; marks: boolean }) | null = null;
  #moved = false;

  constructor(gantt: Gantt, events: GestureEvents) {
    this.#gantt = gantt;
    this.#events = events;
    const { canvas } = gantt;
    canvas.addEventListener('pointerdown', event => this.#down(event));
    canvas.addEventListener('pointermove', event => this.#move(event));
    canvas.addEventListener('pointerup', event => this.#up(event));
    canvas.addEventListener('pointercancel', event => this.#drop(event));
    canvas.addEventListener('pointerleave', () => {
      if (!this.#fingers.size) events.hover(null, 0, 0);
    });
    canvas.addEventListener('wheel', event => this.#wheel(event), { passive: false });
  }

  #place(event: MouseEvent): Finger {
    const box = this.#gantt.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const at = this.#place(event);
    this.#gantt.canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, at);
    const { ruler } = this.#gantt.hit(at.x, at.y);
    const { view } = this.#gantt.state;
    const marks = (ruler || event.shiftKey) && this.#fingers.size === 1;
    this.#start = { ...at, view, scroll: this.#gantt.scroll, marks };
    this.#moved = this.#fingers.size > 1;
  }

  #move(event: PointerEvent): void {
    const at = this.#place(event);
    const finger = this.#fingers.get(event.pointerId);
    if (!finger || !this.#start) {
      if (event.pointerType !== 'touch')
        this.#events.hover(this.#gantt.hit(at.x, at.y), at.x, at.y);
      return;
    }
    const before = [...this.#fingers.values()].map(one => ({ ...one }));
    Object.assign(finger, at);
    if (this.#fingers.size === 2) return this.#pinch(before);
    const [x, y] = [at.x - this.#start.x, at.y - this.#start.y];
    if (!this.#moved && Math.hypot(x, y) < CLICK) return;
    if (!this.#moved) this.#events.hover(null, 0, 0);
    this.#moved = true;
    if (this.#start.marks) {
      const [a, b] = [this.#gantt.moment(this.#start.x), this.#gantt.moment(at.x)];
      this.#events.mark({ begin: Math.min(a, b), end: Math.max(a, b) });
      return;
    }
    const width = this.#gantt.canvas.clientWidth - this.#gantt.left;
    this.#events.view(panned(this.#start.view, -x / width));
    if (event.pointerType !== 'touch') this.#gantt.scroll = this.#start.scroll - y;
  }

  /** What was between the fingers stays between them. */
  #pinch(before: readonly Finger[]): void {
    const now = [...this.#fingers.values()];
    const { view } = this.#gantt.state;
    const middle = (all: readonly Finger[]): number => (all[0]!.x + all[1]!.x) / 2;
    const apart = (all: readonly Finger[]): number =>
      Math.max(12, Math.hypot(all[0]!.x - all[1]!.x, all[0]!.y - all[1]!.y));
    const width = this.#gantt.canvas.clientWidth - this.#gantt.left;
    const moved = panned(view, (middle(before) - middle(now)) / width);
    const at = moved.begin + ((middle(now) - this.#gantt.left) / width) * (view.end - view.begin);
    this.#events.view(zoomed(moved, apart(before) / apart(now), at));
  }

  #up(event: PointerEvent): void {
    const at = this.#place(event);
    const click = this.#start && !this.#moved && this.#fingers.size === 1;
    const marks = this.#start?.marks;
    this.#drop(event);
    if (!click) return;
    if (marks) this.#events.mark(null);
    else this.#events.pick(this.#gantt.hit(at.x, at.y));
  }

  /** A finger is gone; what is left of a pinch pans on from where it is. */
  #drop(event: PointerEvent): void {
    this.#fingers.delete(event.pointerId);
    const [left] = this.#fingers.values();
    const { view } = this.#gantt.state;
    this.#start = left ? { ...left, view, scroll: this.#gantt.scroll, marks: false } : null;
  }

  #wheel(event: WheelEvent): void {
    const { x } = this.#place(event);
    const unit = event.deltaMode === 1 ? 18 : event.deltaMode === 2 ? 400 : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    const { view } = this.#gantt.state;
    const width = this.#gantt.canvas.clientWidth - this.#gantt.left;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const factor = Math.exp(Math.max(-80, Math.min(80, dy)) * 0.004);
      return this.#events.view(zoomed(view, factor, this.#gantt.moment(x)));
    }
    const sideways = event.shiftKey ? dx + dy : dx;
    const scrolls = this.#gantt.contentHeight > this.#gantt.canvas.clientHeight + 1;
    // A page that is itself scrolled keeps its wheel.
    const pageScrolls = document.documentElement.scrollHeight > innerHeight + 1;
    if (!sideways && !scrolls && pageScrolls) return;
    event.preventDefault();
    if (!event.shiftKey && scrolls) this.#gantt.scroll += dy;
    const pan = !event.shiftKey && !scrolls && !dx ? dy : sideways;
    if (pan) this.#events.view(panned(view, pan / width));
  }
}
