// SPDX-License-Identifier: MIT
// The Gantt chart of a trace on a canvas: give it a canvas, a trace and a stretch of time. It knows
// nothing of the page around it, so that other pages can embed it, and listens to nothing by
// itself: gestures.ts and keys.ts move it. A new trace may be given at any time, as a page that
// shows the last seconds does:
//
//     const gantt = new Gantt(canvas, { theme: DARK });
//     new ResizeObserver(() => gantt.resize() && gantt.draw()).observe(canvas);
//     gantt.setTrace(trace);
//     gantt.set({ view: { begin: 0, end: 16e6 } });

import { criticalPath } from '../js/src/trace/path.js';
import type {
  Trace,
  TraceFrame,
  TraceIdle,
  TraceMark,
  TraceSegment,
} from '../js/src/trace/types.js';
import type { Paint } from './colours.ts';
import { Counters } from './counters.ts';
import { Crowds } from './crowds.ts';
import { originOf, paintGround, paintNames, paintRuler, paintScroll } from './gantt_axis.ts';
import { layOut, naturalHeight, type Layout, type Row } from './gantt_layout.ts';
import {
  paintChosen,
  paintFrame,
  paintMarks,
  paintPath,
  paintRange,
  type ZoneRef,
} from './gantt_over.ts';
import { paintRows } from './gantt_rows.ts';
import { Budget, Model } from './model.ts';
import {
  FONT,
  Hatches,
  Letters,
  Paints,
  type PaintStats,
  type Span,
  type Surface,
} from './surface.ts';
import { LIGHT, type Theme } from './theme.ts';

export type { ZoneRef } from './gantt_over.ts';
export type { PaintStats, Span } from './surface.ts';

/** What the chart shows of its trace. */
export interface GanttState {
  readonly view: Span;
  /** The frame whose critical path is drawn. */
  readonly frame: TraceFrame | null;
  readonly chosen: ZoneRef | null;
  readonly hover: ZoneRef | null;
  /** A marked stretch. */
  readonly range: Span | null;
  /** Names that stand out, as numbers of `model.names`. */
  readonly highlight: ReadonlySet<number> | null;
  /** A line below the name of a thread, by its number. */
  readonly notes: ReadonlyMap<number, string>;
}

/** What is under the pointer. */
export interface Hit {
  readonly at: number;
  readonly row: Row | null;
  /** In the ruler, above all rows. */
  readonly ruler: boolean;
  readonly zone: ZoneRef | null;
  readonly idle: TraceIdle | null;
  readonly mark: TraceMark | null;
  /** A batch or a stage. */
  readonly span: (Span & { readonly name: string }) | null;
}

/** How a chart is made. */
export interface GanttOptions {
  readonly theme?: Theme;
  /** Width of the names at the left; 0 for none. */
  readonly names?: number;
}

const RULER = 26;
/** Views are not narrower than this. */
const VIEW_LEAST = 200;

/** A Gantt chart. */
export class Gantt {
  readonly canvas: HTMLCanvasElement;
  readonly stats: PaintStats = { rects: 0, texts: 0, columns: 0, lanes: 0, drawMs: 0 };
  readonly #g: CanvasRenderingContext2D;
  #theme: Theme;
  #names: number;
  #model: Model | null = null;
  #layout: Layout | null = null;
  #paints: Paints | null = null;
  #hatches: Hatches | null = null;
  readonly #letters: Letters;
  readonly #crowds = new Crowds();
  readonly #counters = new Counters();
  #size = { width: 0, height: 0, scale: 1 };
  #scroll = 0;
  #path: readonly TraceSegment[] = [];
  #faded = new Map<number, Paint>();
  #wanted = 0;
  #state: GanttState = {
    view: { begin: 0, end: 1 },
    frame: null,
    chosen: null,
    hover: null,
    range: null,
    highlight: null,
    notes: new Map(),
  };

  constructor(canvas: HTMLCanvasElement, options: GanttOptions = {}) {
    const g = canvas.getContext('2d', { alpha: false });
    if (!g) throw new Error('this canvas has no 2D context');
    this.canvas = canvas;
    this.#g = g;
    this.#theme = options.theme ?? LIGHT;
    this.#names = options.names ?? 112;
    this.#letters = new Letters(g, 11.5);
  }

  get state(): GanttState {
    return this.#state;
  }

  get model(): Model | null {
    return this.#model;
  }

  /** The critical path that is drawn. */
  get path(): readonly TraceSegment[] {
    return this.#path;
  }

  /** How high all rows are with the ruler; more than the canvas where it can be scrolled. */
  get contentHeight(): number {
    return (this.#layout?.height ?? 0) + RULER;
  }

  /** How high a canvas has to be so that nothing is scrolled and all is easily read. */
  get naturalHeight(): number {
    return this.#model ? naturalHeight(this.#model) + RULER : 0;
  }

  /** Where the lanes begin. */
  get left(): number {
    return this.#names;
  }

  get scroll(): number {
    return this.#scroll;
  }

  set scroll(pixels: number) {
    const most = Math.max(0, this.contentHeight - this.#size.height);
    this.#scroll = Math.round(Math.max(0, Math.min(most, pixels)));
    this.invalidate();
  }

  /** Shows another trace, or a later state of the same. What was chosen is let go. */
  setTrace(trace: Trace | Model | null): void {
    this.#model = trace && !(trace instanceof Model) ? new Model(trace) : trace;
    this.#path = [];
    this.#paints = null;
    this.#faded.clear();
    this.#state = { ...this.#state, frame: null, chosen: null, hover: null, highlight: null };
    this.#lay();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#paints = null;
    this.#hatches = null;
    this.#faded.clear();
    this.invalidate();
  }

  /** Changes what is shown, and draws with the next picture. */
  set(change: Partial<GanttState>): void {
    const before = this.#state;
    this.#state = { ...before, ...change };
    if (change.view) this.#state = { ...this.#state, view: this.#held(change.view) };
    const { frame } = this.#state;
    if (frame !== before.frame) {
      this.#path = frame && this.#model ? criticalPath(this.#model.trace, frame) : [];
    }
    this.invalidate();
  }

  /**
   * Takes the canvas' size from its style. Whether it is another one: then the canvas is empty, and
   * wants to be drawn before it is seen.
   */
  resize(names = this.#names): boolean {
    const { canvas } = this;
    const scale = globalThis.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const last = this.#size;
    const same = width === last.width && height === last.height && scale === last.scale;
    if (same && names === this.#names) return false;
    this.#names = names;
    if (scale !== last.scale) this.#hatches = null;
    this.#size = { width, height, scale };
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    this.#lay();
    return true;
  }

  /** Loads what the first picture would have to wait for: fonts, and patterns. */
  warm(): void {
    const g = this.#g;
    // A canvas of no size has no patterns.
    if (!this.#size.width || !this.#size.height) return;
    for (const font of [this.#letters.font, `600 12px ${FONT}`, `12px ${FONT}`, `11px ${FONT}`]) {
      g.font = font;
      g.fillText('0 µs', 0, 12);
    }
    this.#hatches ??= new Hatches(g, this.#theme, this.#size.scale);
    for (let reason = 1; reason < 5; reason++) this.#hatches.of(reason);
  }

  /** Asks for a picture. */
  invalidate(): void {
    this.#wanted ||= requestAnimationFrame(() => this.draw());
  }

  /** Draws now. */
  draw(): void {
    if (this.#wanted) cancelAnimationFrame(this.#wanted);
    this.#wanted = 0;
    const began = performance.now();
    const s = this.#surface();
    if (!s) return;
    const { frame, range, notes, highlight } = this.#state;
    s.g.setTransform(s.scale, 0, 0, s.scale, 0, 0);
    const origin = originOf(s, frame);
    paintGround(s, origin);
    const more = paintRows(s, { highlight, fadedPaints: this.#faded });
    s.g.save();
    s.g.beginPath();
    s.g.rect(s.left, s.top, s.width - s.left, s.height - s.top);
    s.g.clip();
    paintFrame(s, frame);
    paintRange(s, range);
    paintMarks(s);
    // What was searched for matters more.
    paintPath(s, this.#path, highlight ? 0.4 : 1);
    paintChosen(s, { ...this.#state, path: this.#path });
    s.g.restore();
    paintRuler(s, origin, range);
    if (s.left) paintNames(s, notes, frame);
    paintScroll(s);
    this.stats.drawMs = performance.now() - began;
    if (more) this.invalidate();
  }

  #surface(): Surface | null {
    const { width, height, scale } = this.#size;
    const [model, layout, g, theme] = [this.#model, this.#layout, this.#g, this.#theme];
    const columns = Math.floor((width - this.#names) * scale);
    if (!model || !layout || columns < 1 || height < RULER) return null;
    const { begin, end } = this.#state.view;
    const left = this.#names;
    const perNs = (width - left) / (end - begin);
    Object.assign(this.stats, { rects: 0, texts: 0, lanes: 0, columns });
    return {
      g,
      theme,
      model,
      layout,
      paints: (this.#paints ??= new Paints(model, theme)),
      hatches: (this.#hatches ??= new Hatches(g, theme, scale)),
      letters: this.#letters,
      crowds: this.#crowds,
      counters: this.#counters,
      window: { begin, end, columns },
      width,
      height,
      left,
      top: RULER,
      scale,
      scroll: this.#scroll,
      stats: this.stats,
      x: at => left + (at - begin) * perNs,
    };
  }

  #lay(): void {
    this.#layout = this.#model && layOut(this.#model, this.#size.height - RULER);
    this.scroll = this.#scroll;
  }

  /** A view within the trace, and no narrower than can be shown. */
  #held({ begin, end }: Span): Span {
    if (!this.#model) return { begin, end: Math.max(end, begin + 1) };
    const margin = (this.#model.end - this.#model.begin) * 0.02;
    const [first, last] = [this.#model.begin - margin, this.#model.end + margin];
    const span = Math.min(last - first, Math.max(VIEW_LEAST, end - begin));
    const middle = (begin + end) / 2;
    const from = Math.max(
      first,
      Math.min(last - span, end - begin > span ? first : middle - span / 2),
    );
    return { begin: from, end: from + span };
  }

  /** The moment at a place of the canvas. */
  moment(x: number): number {
    const { begin, end } = this.#state.view;
    return begin + ((x - this.#names) / (this.#size.width - this.#names)) * (end - begin);
  }

  /** Makes a zone's row visible. */
  reveal({ thread }: ZoneRef): void {
    const row = this.#layout?.rows.find(one => one.kind === 'thread' && one.thread === thread);
    if (!row) return;
    const room = this.#size.height - RULER;
    if (row.top < this.#scroll) this.scroll = row.top;
    else if (row.top + row.height > this.#scroll + room) this.scroll = row.top + row.height - room;
  }

  /** What is at a place of the canvas. */
  hit(x: number, y: number): Hit {
    const at = this.moment(x);
    const none = {
      at,
      row: null,
      ruler: y < RULER,
      zone: null,
      idle: null,
      mark: null,
      span: null,
    };
    const model = this.#model;
    const inside = y - RULER + this.#scroll;
    const row = this.#layout?.rows.find(one => inside >= one.top && inside < one.top + one.height);
    if (!model || !row || y < RULER || x < this.#names) return none;
    const hit = { ...none, row };
    if (row.kind === 'counter') return hit;
    const lane = Math.floor((inside - row.top - row.pad) / row.laneHeight);
    const near = (2 * (this.#state.view.end - this.#state.view.begin)) / this.#size.width;
    if (!row.of) return { ...hit, span: this.#spanAt(row, at) };
    const mark = model.trace.marks.find(
      one => one.thread === row.thread && Math.abs(one.at - at) < 2 * near,
    );
    if (mark && (lane < 0 || lane >= row.lanes || inside - row.top < 10)) return { ...hit, mark };
    const zone = this.#zoneAt(row, lane, at, near);
    if (zone >= 0) return { ...hit, zone: { thread: row.thread, zone } };
    return { ...hit, idle: lane === row.of.idleLane ? this.#idleAt(row.thread, at) : null };
  }

  /** The zone at a moment, or one that is nearly there. */
  #zoneAt(row: Row, lane: number, at: number, near: number): number {
    const zones = row.of?.lanes[lane];
    if (!zones) return -1;
    for (const moment of [at, at - near, at + near]) {
      const i = zones.at(moment);
      if (i >= 0) return zones.zone[i]!;
    }
    const i = zones.firstAfter(at - near);
    return i < zones.count && zones.begin[i]! <= at + near ? zones.zone[i]! : -1;
  }

  #idleAt(thread: number, at: number): TraceIdle | null {
    const model = this.#model!;
    const after = model.frameAfter(at);
    const { frames } = model.trace;
    const frame = frames[after] && frames[after].begin <= at ? after : after - 1;
    if (frame < 0) return null;
    const all = model.idleOf(thread, frame, new Budget(50)) ?? [];
    return all.find(one => one.begin <= at && at < one.end) ?? null;
  }

  #spanAt(row: Row, at: number): (Span & { name: string }) | null {
    const frame = this.#model!.frameAt(at);
    if (frame < 0) return null;
    const what = row.kind === 'stage' ? 'stage' : 'batch';
    const { spans } = this.#model!.derived(what, frame, frame + 1);
    return spans.find(span => span.begin <= at && at < span.end) ?? null;
  }
}
