// SPDX-License-Identifier: MIT
// What lies over the Gantt's zones: the selected frame's critical path, the zone that is chosen and
// its arrows, faults and copies, and the stretch that was marked.

import { KIND } from '../js/src/trace/kinds.js';
import type { TraceFrame, TraceSegment } from '../js/src/trace/types.js';
import type { Row } from './gantt_layout.ts';
import { linksOf } from './links.ts';
import { framesInView, type Span, type Surface } from './surface.ts';

/** A zone: a thread's number and the index in its row. */
export interface ZoneRef {
  readonly thread: number;
  readonly zone: number;
}

/** What is drawn over the zones. */
export interface Over {
  readonly frame: TraceFrame | null;
  readonly path: readonly TraceSegment[];
  readonly chosen: ZoneRef | null;
  readonly hover: ZoneRef | null;
  readonly range: Span | null;
}

function rowOf(s: Surface, thread: number): Row | undefined {
  return s.layout.rows.find(row => row.kind === 'thread' && row.thread === thread);
}

/** The top of a row's lane. */
function laneTop(s: Surface, row: Row, lane: number): number {
  return s.top + row.top - s.scroll + row.pad + lane * row.laneHeight;
}

/** The lane of a segment: its zone's, or where idle time is drawn. */
function laneOf(row: Row, zone: number): number {
  if (!row.of) return 0;
  const lane = zone >= 0 ? row.of.row.depth[zone]! : row.of.idleLane;
  return Math.min(lane, row.lanes - 1);
}

/** Where a zone is drawn; null where it is not. */
function boxOf(s: Surface, { thread, zone }: ZoneRef) {
  const row = rowOf(s, thread);
  if (!row?.of || zone < 0 || zone >= row.of.row.count) return null;
  const x = s.x(row.of.row.begin[zone]!);
  const width = Math.max(1, s.x(row.of.row.end[zone]!) - x - 1);
  return { x, width, y: laneTop(s, row, laneOf(row, zone)), height: row.laneHeight - 1 };
}

/** What lies outside of the selected frame stands back. */
export function paintFrame(s: Surface, frame: TraceFrame | null): void {
  if (!frame) return;
  const { g, theme, left, top, width, height } = s;
  const [from, to] = [Math.max(left, s.x(frame.begin)), Math.min(width, s.x(frame.end))];
  g.fillStyle = theme.card;
  // The narrower the frame, the more of its neighbours is looked at.
  g.globalAlpha = 0.15 + 0.3 * Math.min(1, (2 * Math.max(0, to - from)) / (width - left));
  if (from > left) g.fillRect(left, top, Math.min(width, from) - left, height - top);
  if (to < width) g.fillRect(Math.max(left, to), top, width - Math.max(left, to), height - top);
  g.globalAlpha = 1;
  g.fillStyle = theme.soft;
  for (const at of [s.x(frame.begin), s.x(frame.end)]) {
    if (at >= left && at <= width) g.fillRect(Math.round(at) - 0.5, top, 1, height - top);
  }
}

/** Pieces narrower than this are underlined, not outlined. */
const BOX_LEAST = 7;
/** Of so many pieces the steps between threads are thinner. */
const STEPS_MANY = 80;

/** A line that follows the path: an outline around each piece, and steps from thread to thread. */
export function paintPath(s: Surface, path: readonly TraceSegment[], alpha: number): void {
  const { g, theme, window, left, width, scale } = s;
  const boxes = new Path2D();
  const bars = new Path2D();
  const gaps = new Path2D();
  const steps = new Path2D();
  let from = -1;
  let pieces = 0;
  let before: number | null = null;
  for (const { thread, zone, begin, end } of path) {
    const row = rowOf(s, thread);
    if (!row) continue;
    const lane = laneTop(s, row, laneOf(row, zone));
    const middle = lane + row.laneHeight / 2;
    const [x0, x1] = [s.x(begin), s.x(end)];
    const seen = end >= window.begin && begin <= window.end;
    // Pieces within the pixel that was drawn last would only thicken it.
    if (seen && (x1 - x0 >= 1 / scale || x0 >= from + 1)) {
      const [a, b] = [Math.max(left - 4, x0), Math.min(width + 4, x1)];
      if (before !== null && Math.abs(before - middle) > 1) {
        steps.moveTo(x0, before);
        steps.lineTo(x0, middle);
      }
      if (zone < 0) {
        gaps.moveTo(a, middle);
        gaps.lineTo(b, middle);
      } else if (b - a < BOX_LEAST) bars.rect(a, lane + row.laneHeight - 4, Math.max(1, b - a), 3);
      else boxes.rect(a + 1, lane + 1, b - a - 3, row.laneHeight - 3);
      from = x0;
      pieces++;
    }
    before = middle;
  }
  g.globalAlpha = alpha;
  // A line of the ground's colour sets the outline apart from zones of a like colour.
  g.strokeStyle = theme.card;
  g.lineWidth = 4;
  g.stroke(boxes);
  g.strokeStyle = g.fillStyle = theme.hot;
  g.lineJoin = 'round';
  g.lineWidth = 2;
  g.stroke(boxes);
  g.fill(bars);
  g.lineWidth = pieces > STEPS_MANY ? 1 : 1.75;
  g.stroke(steps);
  g.setLineDash([3, 3]);
  g.stroke(gaps);
  g.setLineDash([]);
  g.globalAlpha = 1;
}

function arrow(s: Surface, x0: number, y0: number, x1: number, y1: number): void {
  const { g } = s;
  const bend = Math.max(14, Math.min(60, Math.abs(x1 - x0) / 2));
  g.beginPath();
  g.moveTo(x0, y0);
  g.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1 - 1, y1);
  g.stroke();
  g.beginPath();
  g.moveTo(x1, y1);
  g.lineTo(x1 - 7, y1 - 4);
  g.lineTo(x1 - 7, y1 + 4);
  g.fill();
}

/** From where a block was handed out to it, and on to the commit that takes what it did. */
function paintArrows(s: Surface, chosen: ZoneRef): void {
  const links = linksOf(s.model.trace, chosen.thread, chosen.zone);
  const box = boxOf(s, chosen);
  if (!links || !box) return;
  const { g, theme, model } = s;
  const caller = model.thread(0)!.row;
  const start = links.wake >= 0 ? links.wake : links.section;
  const from = boxOf(s, { thread: 0, zone: start })!;
  const middle = box.y + box.height / 2;
  // Since when it could have been claimed: its queue wait.
  const since = s.x(caller.begin[links.section]!);
  g.strokeStyle = g.fillStyle = theme.chosen;
  g.lineWidth = 1.5;
  if (box.x - since > 3) {
    g.setLineDash([1, 3]);
    g.beginPath();
    g.moveTo(since, middle);
    g.lineTo(box.x, middle);
    g.stroke();
    g.setLineDash([]);
  }
  const x = links.wake >= 0 ? Math.min(from.x + from.width, box.x) : from.x;
  arrow(s, x, from.y + from.height / 2, box.x, middle);
  const to = links.commit >= 0 && boxOf(s, { thread: 0, zone: links.commit });
  if (to) arrow(s, box.x + box.width, middle, to.x, to.y + to.height / 2);
}

/** The zone that is chosen, its arrows, and the one under the pointer. */
export function paintChosen(s: Surface, { chosen, hover }: Over): void {
  const { g, theme } = s;
  const under = hover && boxOf(s, hover);
  if (under) {
    g.strokeStyle = theme.chosen;
    g.lineWidth = 1;
    g.strokeRect(under.x + 0.5, under.y + 0.5, Math.max(1, under.width - 1), under.height - 1);
  }
  const box = chosen && boxOf(s, chosen);
  if (!box) return;
  paintArrows(s, chosen);
  g.strokeStyle = theme.card;
  g.lineWidth = 4.5;
  g.strokeRect(box.x, box.y, box.width, box.height);
  g.strokeStyle = theme.chosen;
  g.lineWidth = 2;
  g.strokeRect(box.x, box.y, box.width, box.height);
}

/** Faults as flags with a line through all rows, copies as dots at their row's foot. */
export function paintMarks(s: Surface): void {
  const { g, theme, window, model, left } = s;
  const { marks } = model.trace;
  const last = new Map<number, number>();
  const detailed = framesInView(s) !== null;
  for (const mark of marks) {
    if (mark.at < window.begin || mark.at > window.end) continue;
    const fault = mark.kind === KIND.FAULT;
    if (!fault && !detailed) continue;
    const row = rowOf(s, mark.thread);
    if (!row) continue;
    const x = s.x(mark.at);
    // One a few pixels is enough; faults come first in importance and are few.
    const key = row.thread * 2 + Number(fault);
    if (x - (last.get(key) ?? -Infinity) < 3) continue;
    last.set(key, x);
    const top = s.top + row.top - s.scroll;
    g.fillStyle = fault ? theme.fault : theme.idle[3]!;
    if (!fault) {
      g.fillRect(Math.max(left, x - 1), top + row.height - 4, 3, 3);
      continue;
    }
    // Seen from afar, faults are no more than ticks.
    if (!detailed) {
      g.fillRect(x - 1, top, 2, 5);
      continue;
    }
    g.globalAlpha = 0.5;
    g.fillRect(x - 0.5, s.top, 1, s.height - s.top);
    g.globalAlpha = 1;
    g.beginPath();
    g.moveTo(x, top);
    g.lineTo(x + 9, top + 4.5);
    g.lineTo(x, top + 9);
    g.fill();
  }
}

/** The marked stretch. */
export function paintRange(s: Surface, range: Span | null): void {
  if (!range) return;
  const { g, theme, left, width, height } = s;
  const [from, to] = [Math.max(left, s.x(range.begin)), Math.min(width, s.x(range.end))];
  if (to < left || from > width) return;
  g.fillStyle = theme.accent;
  g.globalAlpha = 0.09;
  g.fillRect(from, 0, to - from, height);
  g.globalAlpha = 1;
  g.fillRect(from, 0, 1, height);
  g.fillRect(to - 1, 0, 1, height);
}
