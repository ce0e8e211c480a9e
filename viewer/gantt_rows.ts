// SPDX-License-Identifier: MIT
// Draws the rows of the Gantt: zones, crowds of zones too small for themselves, idle time by its
// reason, batches and stages, counters.

import { KIND } from '../js/src/trace/kinds.js';
import { SHADES, type Paint } from './colours.ts';
import type { Row } from './gantt_layout.ts';
import { Budget } from './model.ts';
import { walk, type Lane, type Painter } from './pyramid.ts';
import { faded, framesInView, type Surface } from './surface.ts';

/** A label needs so much room. */
const TEXT_LEAST = 16;
/** How long a picture may work out idle time. */
const IDLE_MS = 4;

/** What is drawn differently from picture to picture. */
export interface RowOptions {
  /** The names that were searched for; the others stand back. */
  readonly highlight: ReadonlySet<number> | null;
  /** Names fade to these, made when needed. */
  readonly fadedPaints: Map<number, Paint>;
}

interface Label {
  text: string;
  x: number;
  colour: string;
}

class ZonePainter implements Painter {
  readonly #s: Surface;
  readonly #options: RowOptions;
  readonly #labels: Label[] = [];
  lane!: Lane;
  row!: Row;
  y = 0;
  h = 0;
  /** What a zone is called, where it is not its name. */
  text: ((i: number) => string) | null = null;
  /** The same for where that does not fit. */
  brief: ((i: number) => string) | null = null;

  constructor(s: Surface, options: RowOptions) {
    this.#s = s;
    this.#options = options;
  }

  #paint(key: number): Paint {
    const { highlight, fadedPaints } = this.#options;
    const paint = this.#s.paints.of(key);
    if (!highlight || highlight.has(key)) return paint;
    let pale = fadedPaints.get(key);
    if (!pale) {
      pale = faded(paint, this.#s.theme);
      fadedPaints.set(key, pale);
    }
    return pale;
  }

  crowd(key: number, shade: number, from: number, to: number): void {
    this.#s.crowds.fill(this.#paint(key).pixels[shade]!, from, to);
    this.#s.stats.rects++;
  }

  zone(i: number, from: number, to: number): void {
    const { lane, row } = this;
    const { g, scale, theme, model, left } = this.#s;
    const key = lane.key[i]!;
    const paint = this.#paint(key);
    const size = (to - from) / scale;
    const { stepNs } = model.trace;
    const uncertain = stepNs > 0 && lane.end[i]! - lane.begin[i]! < stepNs;
    const shade = uncertain ? 1 : SHADES - 1;
    this.#s.stats.rects++;
    // Zones that are wide enough are set apart from their neighbours.
    if (to - from <= 3) return this.#s.crowds.fill(paint.pixels[shade]!, from, to);
    g.fillStyle = paint.shades[shade]!;
    g.fillRect(left + from / scale, this.y, (to - from - 1) / scale, this.h);
    const zone = lane.zone[i]!;
    const kind = zone >= 0 && row.of ? row.of.row.kind[zone] : 0;
    if (kind === KIND.LOST) this.#lost(from, to);
    if (uncertain && size >= 5) this.#dots(from, to);
    if (size < TEXT_LEAST || this.h < 11) return;
    // A zone that begins before the view is labelled where it comes into view.
    g.font = this.#s.letters.font;
    const text = this.text ? this.text(i) : this.#text(kind ?? 0, zone, key);
    const x = left + from / scale + 4;
    const room = size - 8;
    const fits =
      this.brief && this.#s.letters.width(text) > room
        ? this.#s.letters.cut(this.brief(i), room)
        : this.#s.letters.cut(text, room);
    if (fits) this.#labels.push({ text: fits, x, colour: uncertain ? theme.ink : paint.text });
  }

  #text(kind: number, zone: number, key: number): string {
    const name = this.#s.model.names.all[key]!.text;
    if (kind !== KIND.FRAME || !this.row.of) return name;
    const { low, high } = this.row.of.row;
    return `${name} ${low[zone]! + high[zone]! * 2 ** 32}`;
  }

  /** Shorter than a step of the clock: its edge is dotted. */
  #dots(from: number, to: number): void {
    const { g, left, scale, theme } = this.#s;
    g.strokeStyle = theme.soft;
    g.lineWidth = 1;
    g.setLineDash([2, 2]);
    g.strokeRect(left + from / scale + 0.5, this.y + 0.5, (to - from) / scale - 2, this.h - 1);
    g.setLineDash([]);
  }

  /** Its worker was given up. */
  #lost(from: number, to: number): void {
    const { g, left, scale, hatches, theme } = this.#s;
    g.fillStyle = hatches.of(4) ?? theme.fault;
    g.fillRect(left + from / scale, this.y, (to - from) / scale, this.h);
    g.fillStyle = theme.fault;
    g.fillRect(left + from / scale, this.y, (to - from) / scale, 2);
  }

  /** Labels come last, so that the context changes its font and its colour seldom. */
  labels(): void {
    const { g, letters, stats } = this.#s;
    if (!this.#labels.length) return;
    g.font = letters.font;
    g.textBaseline = 'middle';
    for (const { text, x, colour } of this.#labels) {
      g.fillStyle = colour;
      g.fillText(text, x, this.y + this.h / 2 + 0.5);
      stats.texts++;
    }
    this.#labels.length = 0;
  }
}

function paintIdle(s: Surface, row: Row, y: number, h: number, budget: Budget): void {
  const frames = framesInView(s);
  if (!frames) return;
  const { g, window, scale, left, hatches, theme, stats } = s;
  const perNs = window.columns / (window.end - window.begin);
  for (let frame = frames.first; frame < frames.end; frame++) {
    for (const { begin, end, reason } of s.model.idleOf(row.thread, frame, budget) ?? []) {
      if (end <= window.begin || begin >= window.end) continue;
      const from = Math.max(0, Math.floor((begin - window.begin) * perNs));
      const to = Math.min(window.columns, Math.floor((end - window.begin) * perNs));
      // What is thinner than this is covered by its neighbours.
      if (to - from < 2) continue;
      const hatch = hatches.of(reason);
      if (!hatch) continue;
      g.fillStyle = hatch;
      g.fillRect(left + from / scale, y, (to - from - 1) / scale, h);
      if (reason === 3 || reason === 4) {
        g.fillStyle = theme.idle[reason]!;
        g.fillRect(left + from / scale, y + h - 2, (to - from - 1) / scale, 2);
      }
      stats.rects++;
    }
  }
}

/** From afar, stages and batches are too thin; it is said how to see them. */
function paintHint(s: Surface, row: Row, { y, h }: ZonePainter): void {
  if (row.kind !== 'stage') return;
  const { g, left, theme, letters } = s;
  g.font = letters.font;
  g.textBaseline = 'middle';
  g.fillStyle = theme.soft;
  g.fillText('zoom in to see stages, batches and why threads idle', left + 8, y + h / 2 + 0.5);
}

function paintDerived(s: Surface, row: Row, painter: ZonePainter): void {
  const frames = framesInView(s);
  if (!frames) return paintHint(s, row, painter);
  const what = row.kind === 'stage' ? 'stage' : 'batch';
  const { lane, spans } = s.model.derived(what, frames.first, frames.end);
  painter.lane = lane;
  painter.text = i => spans[i]!.name;
  if (what === 'batch') painter.brief = i => String(spans[i]!.batch);
  walk(lane, s.window, SHADES, s.model.scratch, painter);
  painter.labels();
  painter.text = painter.brief = null;
}

/** Draws all rows in view. Returns whether something was left for the next picture. */
export function paintRows(s: Surface, options: RowOptions): boolean {
  const budget = new Budget(IDLE_MS);
  const painter = new ZonePainter(s, options);
  s.crowds.begin(s.window.columns);
  for (const row of s.layout.rows) {
    const top = s.top + row.top - s.scroll;
    if (top + row.height <= s.top || top >= s.height) continue;
    if (row.kind === 'counter') {
      s.counters.paint(s, row, top);
      continue;
    }
    painter.row = row;
    for (let l = 0; l < row.lanes; l++) {
      painter.y = top + row.pad + l * row.laneHeight;
      painter.h = row.laneHeight - 1;
      s.crowds.lane(painter.y, painter.h);
      s.stats.lanes++;
      if (!row.of) {
        paintDerived(s, row, painter);
        continue;
      }
      if (l === row.of.idleLane) paintIdle(s, row, painter.y, painter.h, budget);
      const lane = row.of.lanes[l];
      if (!lane) continue;
      painter.lane = lane;
      walk(lane, s.window, SHADES, s.model.scratch, painter);
      painter.labels();
    }
  }
  s.crowds.draw(s.g, s.left, s.scale);
  return budget.spent;
}
