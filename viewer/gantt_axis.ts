// SPDX-License-Identifier: MIT
// The Gantt's ruler and grid, the grounds of its rows, and the names of rows at its left.

import { KIND } from '../js/src/trace/kinds.js';
import type { TraceFrame } from '../js/src/trace/types.js';
import { bytes, short, time } from './format.ts';
import type { Row } from './gantt_layout.ts';
import { FONT, type Span, type Surface } from './surface.ts';

/** Pixels from one mark of the ruler to the next, at least. */
const TICK_LEAST = 84;

/** A round step of time, so that marks are far enough from one another. */
export function tickStep(ns: number): number {
  const ten = 10 ** Math.floor(Math.log10(ns));
  const times = ns / ten;
  return ten * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

/** From where the ruler counts: the selected frame's beginning while that frame is what is looked
 * at, else the trace's. */
export function originOf(s: Surface, frame: TraceFrame | null): number {
  if (!frame) return s.model.begin;
  const { begin, end } = s.window;
  const near = frame.end > begin && frame.begin < end;
  return near && end - begin < 30 * (frame.end - frame.begin) ? frame.begin : s.model.begin;
}

function tickText(at: number, step: number): string {
  const size = Math.max(Math.abs(at), step);
  const [ns, unit] =
    size >= 1e9 ? [1e9, 's'] : size >= 1e6 ? [1e6, 'ms'] : size >= 1e3 ? [1e3, 'µs'] : [1, 'ns'];
  const decimals = Math.max(0, Math.ceil(Math.log10(ns / step) - 1e-9));
  const text = (at / ns).toFixed(Math.min(decimals, 6)).replace('-', '−');
  return `${at > 0 ? text : text.replace(/^−0$/, '0')} ${unit}`;
}

function ticks(s: Surface, origin: number, visit: (x: number, text: string) => void): void {
  const { begin, end } = s.window;
  const perPixel = (end - begin) / (s.width - s.left);
  const step = tickStep(perPixel * TICK_LEAST);
  for (let i = Math.ceil((begin - origin) / step); origin + i * step < end; i++) {
    visit(s.x(origin + i * step), tickText(i * step, step));
  }
}

/** What lies below all zones. */
export function paintGround(s: Surface, origin: number): void {
  const { g, theme, width, height, left, top } = s;
  g.fillStyle = theme.card;
  g.fillRect(0, 0, width, height);
  g.fillStyle = theme.faint;
  ticks(s, origin, x => g.fillRect(Math.round(x), top, 1, height - top));
  for (const row of s.layout.rows) {
    const y = Math.round(top + row.top + row.height - s.scroll);
    if (y < top || y > height) continue;
    g.fillStyle = theme.line;
    g.fillRect(left, y - 1, width - left, 1);
  }
}

/** The ruler, over what was scrolled beneath it. */
export function paintRuler(s: Surface, origin: number, range: Span | null): void {
  const { g, theme, width, left, top } = s;
  g.fillStyle = theme.field;
  g.fillRect(left, 0, width - left, top);
  g.fillStyle = theme.line;
  g.fillRect(left, top - 1, width - left, 1);
  g.font = `11px ${FONT}`;
  g.textBaseline = 'middle';
  let free = left;
  ticks(s, origin, (x, text) => {
    g.fillStyle = theme.line;
    g.fillRect(Math.round(x), top - 7, 1, 6);
    if (x < free) return;
    g.fillStyle = theme.soft;
    g.fillText(text, x + 4, top / 2);
    free = x + 4 + g.measureText(text).width + 10;
  });
  if (range) paintRangeHead(s, range);
}

function paintRangeHead(s: Surface, range: Span): void {
  const { g, theme, width, left, top } = s;
  const [from, to] = [Math.max(left, s.x(range.begin)), Math.min(width, s.x(range.end))];
  if (to < left || from > width) return;
  const text = time(range.end - range.begin);
  g.fillStyle = theme.accent;
  g.fillRect(from, top - 3, Math.max(1, to - from), 3);
  const room = g.measureText(text).width + 12;
  const x = Math.max(left, Math.min((from + to) / 2 - room / 2, width - room));
  g.beginPath();
  g.roundRect(x, 3, room, top - 8, 4);
  g.fill();
  g.fillStyle = theme.onAccent;
  g.fillText(text, x + 6, (top - 2) / 2);
}

function noteOf(row: Row, notes: ReadonlyMap<number, string>, frame: TraceFrame | null): string {
  if (row.kind === 'thread') return notes.get(row.thread) ?? '';
  const { at, value } = row.counter!;
  // Counters are written at the end of a frame.
  let found = value.length - 1;
  if (frame) for (found = 0; found < at.length - 1 && at[found + 1]! <= frame.end;) found++;
  if (found < 0) return '';
  return row.counter!.kind === KIND.BYTES ? bytes(value[found]!) : short(value[found]!);
}

/** Names of rows. */
export function paintNames(
  s: Surface,
  notes: ReadonlyMap<number, string>,
  frame: TraceFrame | null,
): void {
  const { g, theme, left, top, height } = s;
  g.fillStyle = theme.field;
  g.fillRect(0, 0, left, height);
  g.textBaseline = 'middle';
  for (const row of s.layout.rows) {
    const y = top + row.top - s.scroll;
    if (y + row.height < top || y > height) continue;
    g.fillStyle = theme.line;
    g.fillRect(0, Math.round(y + row.height) - 1, left, 1);
    const strong = row.kind === 'thread';
    g.font = `${strong ? 600 : 400} 12px ${FONT}`;
    g.fillStyle = strong ? theme.ink : theme.soft;
    const middle = y + row.pad + row.laneHeight / 2;
    const note = row.kind === 'thread' || row.kind === 'counter' ? noteOf(row, notes, frame) : '';
    const two = note && row.height >= 33;
    const line = row.kind === 'counter' ? y + row.height / 2 - (two ? 7 : 0) : middle;
    g.fillText(cutName(g, row.label, left - 18), 10, two && strong ? Math.min(line, y + 14) : line);
    if (!note) continue;
    g.font = `11px ${FONT}`;
    g.fillStyle = theme.soft;
    if (two) g.fillText(note, 10, (strong ? Math.min(line, y + 14) : line) + 14);
  }
  g.fillStyle = theme.field;
  g.fillRect(0, 0, left, top);
  g.fillStyle = theme.line;
  g.fillRect(0, top - 1, left, 1);
  g.fillRect(left - 1, 0, 1, height);
}

function cutName(g: CanvasRenderingContext2D, text: string, room: number): string {
  let cut = text;
  while (cut.length > 2 && g.measureText(cut).width > room) cut = `${cut.slice(0, -2)}…`;
  return cut;
}

/** Where in all rows the view is, when there are more than fit. */
export function paintScroll(s: Surface): void {
  const { g, theme, width, height, top, layout, scroll } = s;
  const room = height - top;
  if (layout.height <= room) return;
  g.fillStyle = theme.soft;
  g.globalAlpha = 0.5;
  const size = Math.max(20, (room / layout.height) * room);
  const at = top + (scroll / (layout.height - room)) * (room - size);
  g.beginPath();
  g.roundRect(width - 6, at + 2, 4, size - 4, 2);
  g.fill();
  g.globalAlpha = 1;
}
