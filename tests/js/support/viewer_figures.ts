// SPDX-License-Identifier: MIT
// What the viewer's tests expect beside trace_figures.ts: the critical path, percentiles and their
// changes, word by word after docs/trace-format.md and with no care for speed.

import { KIND, KIND_TEXT } from '../../../js/src/trace/kinds.ts';
import { plainKind, plainRow, type PlainTrace, type PlainZone } from './trace_figures.ts';

/** A piece of a critical path. */
export interface PlainSegment {
  thread: number;
  what: string;
  begin: number;
  end: number;
}

const WORK: readonly number[] = [KIND.BLOCK, KIND.LOST];
const OF_SYSTEM: readonly number[] = [KIND.BLOCK, KIND.LOST, KIND.RUN, KIND.SYSTEM];

/** The critical path of a frame. */
export function plainPath(
  plain: PlainTrace,
  systems: ReadonlyMap<number, string>,
  hosts: ReadonlyMap<number, string>,
  index: number,
): PlainSegment[] {
  const frame = plainKind(plain, KIND.FRAME)[index]!;
  const caller = plainRow(plain, 0).filter(
    zone => zone.begin < frame.end && zone.end > frame.begin,
  );
  const found: PlainSegment[] = [];
  let at = frame.end;
  const nameOf = ({ kind, low }: PlainZone): string =>
    OF_SYSTEM.includes(kind)
      ? (systems.get(low & 65535) ?? `system ${low & 65535}`)
      : kind === KIND.HOST
        ? hosts.get(low & 65535)!
        : KIND_TEXT[kind]!;
  const back = (begin: number, thread: number, what: string): void => {
    if (begin >= at) return;
    found.unshift({ thread, what, begin, end: at });
    at = begin;
  };

  /** Zones of the host in work do not cut it. */
  const isInWork = (zone: PlainZone): boolean =>
    zone.kind === KIND.HOST
    && caller.some(
      other =>
        (WORK.includes(other.kind) || other.kind === KIND.RUN)
        && other.order > zone.order
        && other.begin <= zone.begin
        && other.end + plain.tickNs * 1.001 >= zone.end,
    );
  const cutting = caller.filter(zone => !isInWork(zone));

  /** Along the caller, by the zone that began last of those around a moment. */
  const alone = (begin: number, section?: PlainZone): void => {
    while (at > begin) {
      const moments = cutting.flatMap(zone => [zone.begin, zone.end]).filter(one => one < at);
      let from = Math.max(begin, ...moments);
      const middle = (from + at) / 2;
      const zone = cutting.filter(one => one.begin <= middle && one.end > middle).at(-1)!;
      // The same zone goes on until it begins, or something else ends in it.
      const others = cutting.filter(one => one !== zone && one.end < at && one.begin > zone.begin);
      from = Math.max(begin, zone.begin, ...others.map(one => one.end));
      const gap = section && (zone === section || zone.order > section.order);
      back(from, 0, gap ? 'claim' : nameOf(zone));
    }
  };

  const sections = plainKind(plain, KIND.TASKS).filter(
    one => one.begin >= frame.begin && one.begin < frame.end,
  );
  for (const section of sections.reverse()) {
    alone(section.end);
    const works = plain.zones.filter(
      ({ kind, thread, begin }) =>
        (WORK.includes(kind) || (kind === KIND.RUN && thread === 0))
        && begin >= section.begin
        && begin <= section.end,
    );
    if (!works.length) {
      alone(section.begin);
      continue;
    }
    const last = works.reduce((best, one) =>
      one.end > best.end || (one.end === best.end && one.thread < best.thread) ? one : best,
    );
    back(Math.max(last.end, section.begin), 0, 'join');
    if (last.thread === 0) {
      alone(section.begin, section);
      continue;
    }
    const own = works
      .filter(one => one.thread === last.thread && one.begin <= last.begin)
      .sort((a, b) => b.begin - a.begin);
    for (const work of own) {
      back(Math.max(work.end, section.begin), last.thread, 'claim');
      back(Math.max(work.begin, section.begin), last.thread, nameOf(work));
    }
    back(section.begin, last.thread, 'wake');
  }
  alone(frame.begin);
  return found;
}

/** The value number ceil(p / 100 n) of n rising ones. */
export function rank(rising: readonly number[], p: number): number {
  return rising[Math.max(1, Math.ceil((p * rising.length) / 100)) - 1]!;
}

/** The change of a percentile with its interval of 95%, after Price and Bonett. */
export function plainChange(a: readonly number[], b: readonly number[], p: number) {
  const error = (rising: readonly number[]): number => {
    const n = rising.length;
    const middle = (n * p) / 100;
    const reach = 1.96 * Math.sqrt(n * (p / 100) * (1 - p / 100));
    const low = rising[Math.max(1, Math.ceil(middle - reach)) - 1]!;
    const high = rising[Math.min(n, Math.ceil(middle + reach)) - 1]!;
    return (high - low) / (2 * 1.96);
  };
  const change = rank(b, p) - rank(a, p);
  const reach = 1.96 * Math.hypot(error(a), error(b));
  return { a: rank(a, p), b: rank(b, p), low: change - reach, high: change + reach };
}
