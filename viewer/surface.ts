// SPDX-License-Identifier: MIT
// What the parts of the Gantt draw on and with: the canvas' context, its scale, colours of names,
// and helpers for text. Rectangles are counted, so that tests can hold them to pixels times rows.

import { KIND } from '../js/src/trace/kinds.js';
import { mix, paintOf, parse, slotColour, type Paint } from './colours.ts';
import type { Counters } from './counters.ts';
import type { Crowds } from './crowds.ts';
import type { Layout } from './gantt_layout.ts';
import type { Model } from './model.ts';
import type { Window } from './pyramid.ts';
import { faultPaint, quietPaint, type Theme } from './theme.ts';

/** A stretch of time. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** What one picture took. */
export interface PaintStats {
  /** Rectangles of zones, spans and idle time. */
  rects: number;
  texts: number;
  /** Pixels from left to right, and lanes from top to bottom. */
  columns: number;
  lanes: number;
  /** Time of the script. */
  drawMs: number;
}

const WEIGHTS: ReadonlyMap<number, 0 | 1 | 2> = new Map([
  [KIND.FRAME, 0],
  [KIND.BATCH, 0],
  [KIND.STAGE, 1],
  [KIND.TASKS, 0],
  [KIND.SNAPSHOT, 2],
  [KIND.WAKE, 2],
  [KIND.VERIFY, 1],
  [KIND.APPLY, 2],
  [KIND.COMMIT, 1],
]);

/** The colours of a model's names in a theme. */
export class Paints {
  readonly #of: Paint[];
  readonly fault: Paint;

  constructor(model: Model, theme: Theme) {
    const card = parse(theme.card);
    this.fault = faultPaint(theme);
    this.#of = model.names.all.map(name => {
      if (name.kind === KIND.RESPAWN) return this.fault;
      if (name.kind) return quietPaint(theme, WEIGHTS.get(name.kind) ?? 1);
      return paintOf(slotColour(model.slotOf(name.key), theme.dark), card);
    });
  }

  of(key: number): Paint {
    return this.#of[key] ?? this.fault;
  }
}

type Pattern = (g: OffscreenCanvasRenderingContext2D, size: number) => void;

function stroke(...lines: readonly (readonly [number, number, number, number])[]): Pattern {
  return (g, size) => {
    g.lineWidth = size / 8;
    g.beginPath();
    for (const [x0, y0, x1, y1] of lines) {
      g.moveTo(x0 * size, y0 * size);
      g.lineTo(x1 * size, y1 * size);
    }
    g.stroke();
  };
}

const RISING = [
  [-0.25, 0.25, 0.25, -0.25],
  [-0.25, 1.25, 1.25, -0.25],
  [0.75, 1.25, 1.25, 0.75],
] as const;
const FALLING = [
  [-0.25, 0.75, 0.25, 1.25],
  [-0.25, -0.25, 1.25, 1.25],
  [0.75, -0.25, 1.25, 0.25],
] as const;
/** How idle time looks, by number of REASON: dots, strokes that rise, strokes that fall, both. */
const PATTERNS: Readonly<Record<number, Pattern>> = {
  1: (g, size) => {
    g.fillRect(0, 0, size / 7, size / 7);
    g.fillRect(size / 2, size / 2, size / 7, size / 7);
  },
  2: stroke(...RISING),
  3: stroke(...FALLING),
  4: stroke(...RISING, ...FALLING),
};

/** The patterns of idle time, for a context. */
export class Hatches {
  readonly #made = new Map<number, CanvasPattern | null>();
  readonly #g: CanvasRenderingContext2D;
  readonly #theme: Theme;
  readonly #scale: number;

  constructor(g: CanvasRenderingContext2D, theme: Theme, scale: number) {
    this.#g = g;
    this.#theme = theme;
    this.#scale = scale;
  }

  /** Null for what is left blank. */
  of(reason: number): CanvasPattern | null {
    let made = this.#made.get(reason);
    if (made === undefined) {
      made = this.#make(reason);
      this.#made.set(reason, made);
    }
    return made;
  }

  #make(reason: number): CanvasPattern | null {
    const paint = PATTERNS[reason];
    if (!paint) return null;
    const size = Math.round(8 * this.#scale);
    const g = new OffscreenCanvas(size, size).getContext('2d');
    if (!g) return null;
    g.fillStyle = g.strokeStyle = this.#theme.idle[reason]!;
    paint(g, size);
    const made = this.#g.createPattern(g.canvas, 'repeat');
    made?.setTransform(new DOMMatrix().scale(1 / this.#scale));
    return made;
  }
}

/** The letters of the charts. */
export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';

/** How wide texts are, and texts cut to a width. */
export class Letters {
  readonly #g: CanvasRenderingContext2D;
  readonly #widths = new Map<string, number>();
  readonly font: string;

  constructor(g: CanvasRenderingContext2D, size: number, weight = 400) {
    this.#g = g;
    this.font = `${weight} ${size}px ${FONT}`;
  }

  /** The context must have `font`. */
  width(text: string): number {
    let width = this.#widths.get(text);
    if (width === undefined) {
      width = this.#g.measureText(text).width;
      if (this.#widths.size > 20_000) this.#widths.clear();
      this.#widths.set(text, width);
    }
    return width;
  }

  /** As much of a text as fits; empty where that says nothing. */
  cut(text: string, room: number): string {
    const width = this.width(text);
    if (width <= room) return text;
    const fits = Math.floor(((room - 7) / width) * text.length);
    return fits >= 3 ? `${text.slice(0, fits)}…` : '';
  }
}

/** One picture being drawn. */
export interface Surface {
  readonly g: CanvasRenderingContext2D;
  readonly theme: Theme;
  readonly model: Model;
  readonly layout: Layout;
  readonly paints: Paints;
  readonly hatches: Hatches;
  readonly letters: Letters;
  readonly crowds: Crowds;
  readonly counters: Counters;
  readonly window: Window;
  /** The size of all, in CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** Where the lanes begin, beside the names and below the ruler. */
  readonly left: number;
  readonly top: number;
  /** Device pixels to a CSS pixel. */
  readonly scale: number;
  readonly scroll: number;
  readonly stats: PaintStats;
  /** Where a moment is. */
  x(at: number): number;
}

/** A name that stands back behind those that were searched for. */
export function faded(paint: Paint, theme: Theme): Paint {
  const fill = mix(parse(paint.fill), parse(theme.card), 0.18);
  return paintOf(fill, parse(theme.card));
}

/** Frames narrower than this get no batches and no reasons of idle time. */
const FRAME_LEAST = 5;

/** The frames in view, where they are wide enough to show what is in them; else null. */
export function framesInView(s: Surface): { first: number; end: number } | null {
  const { model, window } = s;
  const { frames } = model.trace;
  const first = model.frameAfter(window.begin);
  let end = model.frameAfter(window.end);
  if (end < frames.length && frames[end]!.begin < window.end) end++;
  const width = window.columns / s.scale;
  return end > first && (end - first) * FRAME_LEAST <= width ? { first, end } : null;
}
