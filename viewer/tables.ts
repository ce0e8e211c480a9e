// SPDX-License-Identifier: MIT
// The tables below the chart: systems, threads, and the worst frames, over the range of frames that
// is marked or over all.

import { REASON, REASON_TEXT } from '../js/src/trace/kinds.js';
import type { TraceFrame, TraceSystemStats, TraceThreadStats } from '../js/src/trace/types.js';
import { chip, el, meter, unseen } from './dom.ts';
import { count, share, signed, time } from './format.ts';
import type { ColourOf } from './frame_panel.ts';
import type { RangeFigures } from './slices.ts';
import type { State } from './state.ts';
import { DataTable, type Column } from './table.ts';

/** What part of a system's time each thread had, as one bar. */
function byThread({ byThread: times, totalNs }: TraceSystemStats): HTMLElement {
  const parts = times.map((ns, thread) => {
    const part = el('i');
    part.style.width = `${totalNs ? (ns / totalNs) * 100 : 0}%`;
    part.className = thread ? `t${1 + ((thread - 1) % 4)}` : 't0';
    return part;
  });
  const said = times
    .map((ns, thread) => (ns ? `${thread ? `worker ${thread}` : 'caller'} ${time(ns)}` : ''))
    .filter(Boolean)
    .join(', ');
  const bar = el('span', { class: 'stack', 'aria-hidden': 'true' }, ...parts);
  return el('span', { title: said }, bar, unseen(said));
}

function systemColumns(state: State, colourOf: ColourOf): Column<TraceSystemStats>[] {
  const stageOf = (number: number): string =>
    state.model?.trace.systems.find(one => one.number === number)?.stage ?? '';
  return [
    {
      title: 'System',
      left: true,
      value: one => one.system,
      cell: one =>
        el(
          'span',
          { class: 'name' },
          chip(colourOf(one.system)),
          one.system,
          el('small', {}, stageOf(one.number)),
        ),
    },
    {
      title: 'Runs',
      hint: 'Frames in which it ran',
      value: one => one.runs,
      cell: one => count(one.runs),
    },
    { title: 'Blocks', value: one => one.blocks, cell: one => count(one.blocks) },
    { title: 'Total', hint: 'Over all threads', ns: one => one.totalNs },
    { title: 'Self', hint: 'Without the zones inside it', ns: one => one.selfNs },
    { title: 'p50', hint: 'Half of its runs take no longer', ns: one => one.p50Ns },
    { title: 'p95', ns: one => one.p95Ns },
    { title: 'p99', ns: one => one.p99Ns },
    { title: 'Max', hint: 'Its longest run', ns: one => one.maxNs },
    { title: 'By thread', cell: byThread, className: 'wide' },
    {
      title: 'Copied',
      hint: 'Column blocks',
      value: one => one.copied,
      cell: one => count(one.copied),
    },
  ];
}

/** The table of systems. */
export function systemsTable(state: State, colourOf: ColourOf): DataTable<TraceSystemStats> {
  return new DataTable<TraceSystemStats>({
    caption: 'Systems',
    empty: 'No system ran in these frames.',
    sort: 3,
    columns: systemColumns(state, colourOf),
    onPick: ({ longest }) => state.selectZone({ thread: longest.thread, zone: longest.zone }),
    current: one => {
      const thread = state.chosen && state.model?.thread(state.chosen.thread);
      const name = thread && state.model?.names.all[thread.keys[state.chosen!.zone]!];
      return name?.system === one.number;
    },
  });
}

/** The table of threads: how much each did, and why it did nothing. */
export function threadsTable(frameNs: () => number): DataTable<TraceThreadStats> {
  const reasons = [REASON.NOTHING, REASON.BARRIER, REASON.QUEUE, REASON.RESPAWN];
  return new DataTable<TraceThreadStats>({
    caption: 'Threads',
    empty: 'There are no threads.',
    columns: [
      { title: 'Thread', left: true, value: one => one.thread, cell: one => one.name },
      {
        title: 'Busy',
        hint: "Part of the frames' time",
        value: one => one.utilisation,
        cell: one =>
          el('span', { class: 'with-meter' }, meter(one.utilisation), share(one.utilisation)),
      },
      { title: 'Busy time', ns: one => one.busyNs },
      ...reasons.map((reason): Column<TraceThreadStats> => ({
        title: REASON_TEXT[reason]!.replace(/^./, first => first.toUpperCase()),
        hint: `Idle: ${REASON_TEXT[reason]!}`,
        value: one => one.idleNs[reason] ?? 0,
        cell: one => {
          const part = (one.idleNs[reason] ?? 0) / (frameNs() || 1);
          return part ? share(part) : '–';
        },
      })),
    ],
  });
}

/** The table of the worst frames. */
export function worstTable(state: State): DataTable<TraceFrame> {
  const took = ({ begin, end }: TraceFrame): number => end - begin;
  return new DataTable<TraceFrame>({
    caption: 'Worst frames',
    empty: 'There is no whole frame in this trace.',
    columns: [
      { title: 'Frame', left: true, value: one => one.tick, cell: one => String(one.tick) },
      { title: 'Took', ns: took },
      {
        title: 'Over budget',
        value: one => took(one) - (state.model?.trace.budgetNs ?? 0),
        cell: one => {
          const budget = state.model?.trace.budgetNs ?? 0;
          return budget ? signed(took(one) - budget) : '–';
        },
      },
      { title: 'Began at', value: one => one.begin, cell: one => time(one.begin) },
    ],
    onPick: one => state.selectFrame(one.index),
    current: one => one.index === state.frame,
  });
}

/** What the tables are about, in words. */
export function rangeText(state: State): string {
  const frames = state.model?.trace.frames ?? [];
  const { first, end } = state.range;
  if (!frames.length) return 'No frames';
  if (!state.marked)
    return frames.length === 1 ? 'One frame' : `All ${count(frames.length)} frames`;
  const [a, b] = [frames[first]!, frames[end - 1]!];
  return end - first === 1
    ? `Frame ${a.tick}`
    : `Frames ${a.tick} to ${b.tick} (${count(end - first)})`;
}

/** Shows new figures in the tables. */
export function fillTables(
  state: State,
  systems: DataTable<TraceSystemStats>,
  threads: DataTable<TraceThreadStats>,
  figures: RangeFigures,
): void {
  const about = rangeText(state);
  systems.set(figures.systems, `Systems. ${about}.`);
  threads.set(figures.threads, `Threads. ${about}. Idle time by reason.`);
}
