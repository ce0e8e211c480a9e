// SPDX-License-Identifier: MIT
// What is told of the selected frame: the verdict in plain English, what would shorten the frame
// most, and its critical path piece by piece.

import { criticalPath, whatHelps } from '../js/src/trace/path.js';
import type { TraceHelp, TraceSegment } from '../js/src/trace/types.js';
import { chip, el, meter } from './dom.ts';
import { count, share, time } from './format.ts';
import type { State } from './state.ts';
import { DataTable } from './table.ts';
import { verdictOf, type Usual } from './verdict.ts';

/** Colours of names, as the chart has them. */
export type ColourOf = (name: string) => string;

/** The verdict: its own place, since it is the first thing to read. */
export class VerdictPanel {
  readonly #place: HTMLElement;
  readonly #state: State;
  #usual: Usual | null = null;

  constructor(place: HTMLElement, state: State) {
    this.#place = place;
    this.#state = state;
    state.on('trace', () => (this.#usual = null));
    state.on('frame', () => this.#fill());
  }

  /** What systems usually take is known now. */
  know(usual: Usual): void {
    this.#usual = usual;
    this.#fill();
  }

  #fill(): void {
    const state = this.#state;
    const frame = state.current;
    if (!state.model || !frame) {
      const said = state.model ? 'There is no whole frame in this trace.' : '';
      this.#place.replaceChildren(el('h2', {}, said));
      return;
    }
    const verdict = verdictOf(state.model.trace, frame, this.#usual);
    const rank = state.worst.findIndex(one => one.index === frame.index);
    const step = (by: number, text: string, label: string): HTMLElement =>
      el(
        'button',
        {
          type: 'button',
          'aria-label': label,
          title: label,
          disabled: by < 0 ? rank <= 0 : rank < 0 || rank + 1 >= state.worst.length,
          onclick: () => state.stepWorst(by),
        },
        text,
      );
    const place =
      rank === 0
        ? 'The slowest frame'
        : rank > 0
          ? `The ${ordinal(rank + 1)} slowest frame`
          : `Frame`;
    const usual = `${place} · usually ${time(state.middleNs)}`;
    this.#place.replaceChildren(
      el(
        'div',
        { class: 'rank' },
        el('span', {}, usual),
        el(
          'span',
          { class: 'steps' },
          step(-1, '‹', 'A slower frame'),
          step(1, '›', 'A faster frame'),
        ),
      ),
      el('h2', { class: verdict.slow ? 'slow' : '' }, verdict.headline),
      el('p', {}, verdict.why.join(' ')),
      el('p', { class: 'more' }, verdict.more.join(' ')),
    );
  }
}

function ordinal(n: number): string {
  const last = n % 100 >= 11 && n % 100 <= 13 ? 0 : n % 10;
  return `${n}${['th', 'st', 'nd', 'rd'][last] ?? 'th'}`;
}

/**
 * Of so much of a frame the pieces are listed, the longest of them first; but no more than so many.
 */
const LISTED_PART = 0.9;
const LISTED_LEAST = 3;
const LISTED_MOST = 40;

/** How long a piece of a path must be to be listed at first, and how many are. */
function majorPieces(path: readonly TraceSegment[]): { least: number; count: number } {
  const lengths = path.map(one => one.end - one.begin).sort((a, b) => b - a);
  const wanted = LISTED_PART * lengths.reduce((sum, one) => sum + one, 0);
  let [sum, listed] = [0, 0];
  const most = Math.min(lengths.length, LISTED_MOST);
  while (listed < most && (sum < wanted || listed < LISTED_LEAST)) sum += lengths[listed++]!;
  const least = lengths[listed - 1] ?? 0;
  return { least, count: lengths.filter(one => one >= least).length };
}

/** What would help, and the critical path. */
export class FramePanel {
  readonly element: HTMLElement;
  readonly path: DataTable<TraceSegment>;
  readonly #help: DataTable<TraceHelp>;
  readonly #state: State;
  /** Shorter pieces of the path are not listed at first. */
  #least = 0;

  constructor(state: State, colourOf: ColourOf) {
    this.#state = state;
    const frameNs = (): number => {
      const frame = state.current;
      return frame ? frame.end - frame.begin : 1;
    };
    const name = (what: string): HTMLElement =>
      el('span', { class: 'name' }, chip(colourOf(what)), what);
    this.#help = new DataTable<TraceHelp>({
      caption: 'What would make this frame shorter',
      empty: 'No system would make it noticeably shorter.',
      limit: 6,
      minor: one => Math.max(one.splitNs, one.withoutNs) < frameNs() / 1000,
      columns: [
        { title: 'System', left: true, value: one => one.system, cell: one => name(one.system) },
        {
          title: 'Split over all threads',
          hint: 'How much shorter the frame would be if the work of the system were spread evenly',
          value: one => one.splitNs,
          cell: one => saved(one.splitNs, frameNs()),
        },
        {
          title: 'Without it',
          hint: 'How much shorter the frame would be if the system took no time',
          value: one => one.withoutNs,
          cell: one => saved(one.withoutNs, frameNs()),
        },
      ],
      onPick: one => this.#longestOf(one.system),
    });
    this.path = new DataTable<TraceSegment>({
      caption: 'Critical path',
      empty: 'There is no frame.',
      limit: 200,
      // Most pieces are steps of the library that take next to nothing.
      minor: one => one.end - one.begin < this.#least,
      columns: [
        { title: 'Piece', left: true, value: one => one.what, cell: one => name(one.what) },
        {
          title: 'Thread',
          left: true,
          value: one => one.thread,
          cell: one => (one.thread ? `worker ${one.thread}` : 'caller'),
        },
        { title: 'Time', ns: one => one.end - one.begin },
        {
          title: 'Share',
          value: one => one.end - one.begin,
          cell: one => {
            const part = (one.end - one.begin) / frameNs();
            return el('span', { class: 'with-meter' }, meter(part), share(part));
          },
        },
      ],
      onPick: one => this.#show(one),
      current: one => one.thread === state.chosen?.thread && one.zone === state.chosen.zone,
    });
    this.element = el('div', { class: 'frame-panel' }, this.#help.element, this.path.element);
    state.on('frame', () => this.#fill());
    state.on('chosen', () => this.path.mark());
  }

  #fill(): void {
    const { model, current } = this.#state;
    const trace = model?.trace;
    this.#help.set(trace && current ? whatHelps(trace, current) : []);
    const path = trace && current ? criticalPath(trace, current) : [];
    const major = majorPieces(path);
    this.#least = major.least;
    const of =
      major.count < path.length
        ? `the ${count(major.count)} longest of ${count(path.length)} pieces`
        : 'all pieces';
    this.path.set(path, `Critical path: ${of}, in their order`);
  }

  #show({ thread, zone, begin, end }: TraceSegment): void {
    if (zone >= 0) return this.#state.selectZone({ thread, zone });
    const air = Math.max(end - begin, 200);
    this.#state.look({ begin: begin - air * 2, end: end + air * 2 });
  }

  /** The longest zone of a system in the frame. */
  #longestOf(system: string): void {
    const { model, current } = this.#state;
    if (!model || !current) return;
    let [best, most] = [{ thread: 0, zone: -1 }, -1];
    for (const { row, keys } of model.threads) {
      for (let i = 0; i < row.count; i++) {
        if (row.begin[i]! < current.begin || row.begin[i]! >= current.end) continue;
        const length = row.end[i]! - row.begin[i]!;
        if (length <= most || model.names.all[keys[i]!]!.text !== system) continue;
        [best, most] = [{ thread: row.thread, zone: i }, length];
      }
    }
    this.#state.selectZone(best);
  }
}

/** What a change would save, where it is worth telling. */
function saved(ns: number, frameNs: number): HTMLElement {
  if (ns < frameNs / 1000) return el('span', { class: 'none' }, '–');
  const part = ns / frameNs;
  return el('span', { class: 'with-meter' }, meter(part), `−${time(ns)}`);
}
