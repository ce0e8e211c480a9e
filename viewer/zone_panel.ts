// SPDX-License-Identifier: MIT
// What is told of the zone that is chosen: when and where it ran, how long it waited to be claimed,
// how it compares with its system's other runs, and which systems it waits for, and why.

import { KIND, KIND_TEXT, WHY_TEXT } from '../js/src/trace/kinds.js';
import { queueWait, systemName } from '../js/src/trace/sections.js';
import type { Trace, TraceRow, TraceSystemStats } from '../js/src/trace/types.js';
import { chip, el } from './dom.ts';
import { count, exact, plural, share, time } from './format.ts';
import type { ColourOf } from './frame_panel.ts';
import type { ZoneRef } from './gantt.ts';
import { isWork } from './links.ts';
import type { State } from './state.ts';

type Fact = readonly [term: string, said: string | HTMLElement];

/** Edges shown before the rest folds away. */
const EDGES = 8;

/** The panel of a zone. */
export class ZonePanel {
  readonly element = el('div', { class: 'zone-panel' });
  readonly #state: State;
  readonly #colourOf: ColourOf;
  readonly #statsOf: (system: number) => TraceSystemStats | undefined;

  constructor(
    state: State,
    colourOf: ColourOf,
    statsOf: (system: number) => TraceSystemStats | undefined,
  ) {
    this.#state = state;
    this.#colourOf = colourOf;
    this.#statsOf = statsOf;
    state.on('chosen', () => this.fill());
  }

  fill(): void {
    const { model, chosen } = this.#state;
    const thread = chosen && model?.thread(chosen.thread);
    if (!model || !thread) return this.element.replaceChildren();
    const { row, keys } = thread;
    const name = model.names.all[keys[chosen.zone]!]!;
    const kind = row.kind[chosen.zone]!;
    const what = name.kind ? '' : ` · ${KIND_TEXT[kind]}`;
    const frame = model.trace.frames[model.frameAt(row.begin[chosen.zone]!)];
    const where = frame ? `frame ${frame.tick}` : 'between frames';
    this.element.replaceChildren(
      el(
        'div',
        { class: 'rank' },
        el('span', {}, `${row.name} · ${where}${what}`),
        el(
          'button',
          { type: 'button', class: 'quiet', onclick: () => this.#state.selectZone(null) },
          'Back to the frame',
        ),
      ),
      el('h2', {}, chip(this.#colourOf(name.text)), name.text),
      facts(this.#facts(model.trace, row, chosen)),
      ...(name.system >= 0 ? this.#system(model.trace, row, chosen, name.system) : []),
    );
  }

  #facts(trace: Trace, row: TraceRow, { thread, zone }: ZoneRef): Fact[] {
    const [begin, end] = [row.begin[zone]!, row.end[zone]!];
    const frame = trace.frames[this.#state.frame];
    const took = end - begin;
    const all: Fact[] = [['Took', `${time(took)} (${exact(took)})`]];
    if (row.self[zone]! < took - 0.5) all.push(['Of that itself', time(row.self[zone]!)]);
    if (trace.stepNs > 0 && took < trace.stepNs) {
      const step = time(trace.stepNs);
      all.push(['Precision', `shorter than the clock's step of ${step}; it may be anything below`]);
    }
    if (frame && begin >= frame.begin && begin < frame.end) {
      const part = share(took / (frame.end - frame.begin));
      all.push(['Began', `${time(begin - frame.begin)} into the frame; ${part} of its time`]);
    }
    if (isWork(row.kind[zone]!)) all.push(['Queue wait', time(queueWait(trace, thread, zone))]);
    all.push(...payload(trace, row, zone));
    return all;
  }

  #system(trace: Trace, row: TraceRow, { zone }: ZoneRef, number: number): HTMLElement[] {
    const parts: HTMLElement[] = [];
    const system = trace.systems.find(one => one.number === number);
    const stats = this.#statsOf(number);
    const told: Fact[] = [];
    if (system) {
      const flags = [
        system.main ? 'runs on the main thread' : '',
        system.unsplit ? 'sees all rows at once, so it is not split' : '',
        system.hidden ? "the library's own" : '',
      ].filter(Boolean);
      told.push(['Stage', `${system.stage || 'none'}, batch ${system.batch}`]);
      if (flags.length) told.push(['How', flags.join('; ')]);
    }
    if (stats) {
      told.push(['Usually', `${time(stats.p50Ns)} a frame, p99 ${time(stats.p99Ns)}`]);
      const { longest } = stats;
      const here = longest.thread === row.thread && longest.zone === zone;
      const to = { thread: longest.thread, zone: longest.zone };
      const text = time(longest.ns);
      told.push([
        'Longest',
        here
          ? `${text}: this one`
          : el(
              'button',
              { type: 'button', class: 'quiet', onclick: () => this.#state.selectZone(to) },
              text,
            ),
      ]);
    }
    told.push(...this.#copied(trace, number));
    if (told.length) parts.push(el('h3', {}, 'The system'), facts(told));
    parts.push(...this.#edges(trace, number));
    return parts;
  }

  /** What was copied for the system in the selected frame, and why. */
  #copied(trace: Trace, number: number): Fact[] {
    const frame = this.#state.current;
    const reasons = new Map<number, number>();
    for (const mark of trace.marks) {
      if (!frame || mark.kind !== KIND.COPIED || (mark.low & 0xffff) !== number) continue;
      if (mark.at < frame.begin || mark.at >= frame.end) continue;
      const why = mark.low >>> 16;
      reasons.set(why, (reasons.get(why) ?? 0) + mark.high);
    }
    return [...reasons].map(([why, blocks]) => [
      'Copied',
      `${plural(blocks, 'block')}: ${WHY_TEXT[why] ?? `reason ${why}`}`,
    ]);
  }

  #edges(trace: Trace, number: number): HTMLElement[] {
    const nameOf = (n: number): string => systemName(trace, n);
    const line = (other: number, why: string): HTMLElement =>
      el('li', {}, chip(this.#colourOf(nameOf(other))), why || nameOf(other));
    const before = trace.edges.filter(edge => edge.to === number);
    const after = trace.edges.filter(edge => edge.from === number);
    return [
      ...section(
        'Waits for',
        before.map(edge => line(edge.from, edge.why)),
      ),
      ...section(
        'Is waited for by',
        after.map(edge => line(edge.to, edge.why)),
      ),
    ];
  }
}

function facts(all: readonly Fact[]): HTMLElement {
  const lines = all.map(([term, said]) => el('div', {}, el('dt', {}, term), el('dd', {}, said)));
  return el('dl', {}, ...lines);
}

function section(title: string, lines: readonly HTMLElement[]): HTMLElement[] {
  if (!lines.length) return [];
  const parts = [el('h3', {}, title), el('ul', { class: 'edges' }, ...lines.slice(0, EDGES))];
  if (lines.length <= EDGES) return parts;
  const rest = el('ul', { class: 'edges' }, ...lines.slice(EDGES));
  const more = `${count(lines.length - EDGES)} more`;
  return [...parts, el('details', {}, el('summary', {}, more), rest)];
}

/** What a zone's record says beside its time. */
function payload(trace: Trace, row: TraceRow, zone: number): Fact[] {
  const [low, high] = [row.low[zone]!, row.high[zone]!];
  const upper = low >>> 16;
  switch (row.kind[zone]) {
    case KIND.FRAME:
      return [['Tick', count(low + high * 2 ** 32)]];
    case KIND.BLOCK: {
      const last = high + upper - 1;
      const text = upper > 1 ? `${count(high)} to ${count(last)}` : count(high);
      return [[upper > 1 ? 'Blocks' : 'Block', text]];
    }
    case KIND.SYSTEM:
      return [['Ran over', `${plural(upper, 'block')}, ${plural(high, 'row')}, by the caller`]];
    case KIND.RUN:
      return upper ? [['Fallback', String(upper)]] : [];
    case KIND.LOST:
      return [['Lost', `worker ${upper} was given up at block ${count(high)}`]];
    case KIND.SNAPSHOT:
    case KIND.TASKS:
      return [
        ['Batch', count(low)],
        ['Tasks', count(high)],
      ];
    case KIND.WAKE:
      return [['Woke', `${upper} of ${low & 0xffff} workers for ${plural(high, 'task')}`]];
    case KIND.VERIFY:
      return [['Tasks', count(low)]];
    case KIND.APPLY:
      return [['Patches', high ? `${count(low)}, ${count(high)} dropped` : count(low)]];
    case KIND.COMMIT:
      return [
        ['Batch', count(low)],
        ['Systems', count(high)],
      ];
    case KIND.RESPAWN:
      return [['Worker', `worker ${low & 0xffff}'s place was empty`]];
    default:
      return trace.host.size && row.kind[zone] === KIND.HOST ? [['Named by', 'the host']] : [];
  }
}
