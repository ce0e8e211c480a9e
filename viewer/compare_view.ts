// SPDX-License-Identifier: MIT
// Two traces compared: systems paired by name, the change of p50, p99 and share with its interval
// of 95%, worst first. A small plot shows each interval against no change at all.

import { compareTraces } from '../js/src/trace/compare.js';
import type { Trace, TraceChange, TraceComparison } from '../js/src/trace/types.js';
import { chip, el, unseen } from './dom.ts';
import { count, list, points, share, signed, time } from './format.ts';
import type { ColourOf } from './frame_panel.ts';
import type { Loaded } from './load.ts';
import { DataTable } from './table.ts';

const SVG = 'http://www.w3.org/2000/svg';
const PLOT = { width: 168, height: 18 };

type Clear = 'slower' | 'faster' | 'no';

/** Whether a change is clear, and to which side. */
export function clearness({ low, high }: TraceChange): Clear {
  if (low > 0) return 'slower';
  return high < 0 ? 'faster' : 'no';
}

/** The view of two traces. */
export class CompareView {
  readonly #place: HTMLElement;
  readonly #swap: () => void;
  readonly #colourOf: ColourOf;
  #rows: readonly TraceComparison[] = [];

  constructor(place: HTMLElement, colourOf: ColourOf, swap: () => void) {
    this.#place = place;
    this.#colourOf = colourOf;
    this.#swap = swap;
  }

  /** What is shown, worst first. */
  get rows(): readonly TraceComparison[] {
    return this.#rows;
  }

  show(a: Loaded, b: Loaded): void {
    this.#rows = compareTraces(a.trace, b.trace);
    const table = this.#table();
    table.set(this.#rows);
    this.#place.replaceChildren(
      el(
        'header',
        {},
        el(
          'div',
          { class: 'sides' },
          side('A', a),
          el('span', { class: 'to', 'aria-hidden': 'true' }, '→'),
          side('B', b),
          el('button', { type: 'button', onclick: this.#swap }, 'Swap'),
        ),
        el('h2', {}, headline(this.#rows)),
        el('p', {}, detail(this.#rows)),
      ),
      table.element,
      el(
        'p',
        { class: 'note' },
        'A change is B less A. Bars are intervals of 95%; a change is clear when its interval does '
          + 'not hold 0. Systems that are clearly slower in B come first.',
      ),
    );
  }

  #table(): DataTable<TraceComparison> {
    const most = (of: (one: TraceComparison) => TraceChange): number =>
      Math.max(1e-9, ...this.#rows.map(of).flatMap(extent));
    const scales = { p50: most(one => one.p50), p99: most(one => one.p99) };
    const change = (which: 'p50' | 'p99') => (one: TraceComparison) =>
      one.only ? el('span', { class: 'none' }, '–') : changeCell(one[which], scales[which]);
    const delta = ({ a, b }: TraceChange): number => (Number.isFinite(b - a) ? b - a : -Infinity);
    const figure = (ns: number): string => (Number.isFinite(ns) ? time(ns) : '–');
    return new DataTable<TraceComparison>({
      caption: 'Systems of both traces, worst first',
      empty: 'Neither trace has a system.',
      columns: [
        {
          title: 'System',
          left: true,
          value: one => one.system,
          cell: one =>
            el('span', { class: 'name' }, chip(this.#colourOf(one.system)), one.system, badge(one)),
        },
        { title: 'p50, A', value: one => one.p50.a, cell: one => figure(one.p50.a) },
        { title: 'p50, B', value: one => one.p50.b, cell: one => figure(one.p50.b) },
        { title: 'Change of p50', value: one => delta(one.p50), cell: change('p50') },
        { title: 'Change of p99', value: one => delta(one.p99), cell: change('p99') },
        {
          title: 'Share',
          hint: 'Part of the time of all systems; the change in points of a per cent',
          value: one => delta(one.share),
          cell: one =>
            one.only
              ? el('span', { class: 'none' }, '–')
              : el(
                  'span',
                  { class: `change ${clearness(one.share)}` },
                  `${share(one.share.a)} → ${share(one.share.b)}`,
                  el('small', {}, points(one.share.b - one.share.a)),
                ),
        },
      ],
    });
  }
}

function side(letter: string, { name, trace }: Loaded): HTMLElement {
  const title = trace.host.get('scene') ?? '';
  return el(
    'span',
    { class: 'side' },
    el('b', {}, letter),
    el('span', {}, name || title || 'trace'),
    el('small', {}, `${count(trace.frames.length)} frames, p50 ${time(middle(trace))}`),
  );
}

/** The length of the frame in the middle. */
function middle({ frames }: Trace): number {
  const lengths = Float64Array.from(frames, frame => frame.end - frame.begin).sort();
  return lengths[Math.ceil(lengths.length / 2) - 1] ?? 0;
}

function extent({ a, b, low, high }: TraceChange): number[] {
  return [low, high, b - a].filter(Number.isFinite).map(Math.abs);
}

function badge(one: TraceComparison): HTMLElement | null {
  if (one.only) return el('small', { class: 'badge' }, `only in ${one.only.toUpperCase()}`);
  const clear = clearness(one.p50);
  return clear === 'no' ? null : el('small', { class: `badge ${clear}` }, `clearly ${clear}`);
}

function changeCell(change: TraceChange, scale: number): HTMLElement {
  const by = change.b - change.a;
  if (!Number.isFinite(by)) return el('span', { class: 'none' }, '–');
  const part = change.a > 0 ? ` (${by >= 0 ? '+' : '−'}${share(Math.abs(by) / change.a)})` : '';
  const known = Number.isFinite(change.low);
  const said = known
    ? `, between ${signed(change.low)} and ${signed(change.high)}`
    : ', too few runs';
  return el(
    'span',
    { class: `change ${clearness(change)}` },
    plot(change, scale),
    el('span', {}, signed(by), el('small', {}, part)),
    unseen(said),
  );
}

/** An interval as a bar with its middle as a dot, around a line for no change. */
function plot({ a, b, low, high }: TraceChange, scale: number): SVGElement {
  const { width, height } = PLOT;
  const x = (ns: number): number => width / 2 + (ns / scale) * (width / 2 - 5);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('class', 'plot');
  svg.setAttribute('aria-hidden', 'true');
  const add = (tag: string, values: Readonly<Record<string, number | string>>): void => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(values)) made.setAttribute(name, String(value));
    svg.append(made);
  };
  add('line', { class: 'zero', x1: width / 2, x2: width / 2, y1: 0, y2: height });
  if (Number.isFinite(low)) {
    const from = x(low);
    add('rect', {
      class: 'interval',
      x: from,
      y: height / 2 - 3,
      width: Math.max(1.5, x(high) - from),
      height: 6,
      rx: 2,
    });
  }
  add('circle', { class: 'middle', cx: x(b - a), cy: height / 2, r: 3 });
  return svg;
}

function named(rows: readonly TraceComparison[]): string {
  const some = rows.slice(0, 3).map(one => one.system);
  const rest = rows.length - some.length;
  return list(rest > 0 ? [...some, `${count(rest)} more`] : some);
}

function headline(rows: readonly TraceComparison[]): string {
  const paired = rows.filter(one => !one.only);
  const slower = paired.filter(one => clearness(one.p50) === 'slower');
  const faster = paired.filter(one => clearness(one.p50) === 'faster');
  const are = (n: number): string => (n === 1 ? 'is' : 'are');
  if (!slower.length && !faster.length) return 'No system is clearly slower or faster.';
  const parts = [];
  if (slower.length) parts.push(`${named(slower)} ${are(slower.length)} clearly slower in B`);
  if (faster.length) parts.push(`${named(faster)} ${are(faster.length)} clearly faster`);
  return `${parts.join('; ')}.`;
}

function detail(rows: readonly TraceComparison[]): string {
  const said: string[] = [];
  const [worst] = rows;
  if (worst && !worst.only && clearness(worst.p50) === 'slower') {
    const { a, b, low, high } = worst.p50;
    said.push(
      `Half of the runs of ${worst.system} took ${time(a)} or less in A and ${time(b)} in B, `
        + `${signed(b - a)} (between ${signed(low)} and ${signed(high)}).`,
    );
  }
  const only = (which: 'a' | 'b'): TraceComparison[] => rows.filter(one => one.only === which);
  for (const which of ['a', 'b'] as const) {
    const some = only(which);
    if (some.length) said.push(`Only ${which.toUpperCase()} has ${named(some)}.`);
  }
  if (rows.some(one => !one.only && Number.isNaN(one.p50.low))) {
    said.push('Systems with fewer than 8 runs have no interval.');
  }
  return said.join(' ');
}
