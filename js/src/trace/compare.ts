// SPDX-License-Identifier: MIT
// Two traces compared, system by system. Runs are not normally distributed, a few are ten times as
// long as most; so percentiles are compared by order statistics (Price and Bonett 2002), and shares
// as a ratio estimator with the variance of its residuals.

import { systemName } from './sections.js';
import { percentile, systemRuns, type SystemRuns } from './stats.js';
import type { Trace, TraceChange, TraceComparison } from './types.js';

/** Of the normal distribution, for 95%. */
const Z = 1.96;
/** Fewer values give no interval. */
const FEW = 8;

/** A figure of one trace; `error` is its standard error, NaN where values are too few. */
interface Figure {
  readonly value: number;
  readonly error: number;
}

interface Figures {
  readonly name: string;
  readonly number: number;
  readonly p50: Figure;
  readonly p99: Figure;
  readonly share: Figure;
}

const NONE: Figure = { value: NaN, error: NaN };

/**
 * Pairs the systems of two traces by name and tells what changed from `a` to `b`, what clearly got
 * slower first. O(zones).
 */
export function compareTraces(a: Trace, b: Trace): TraceComparison[] {
  const inA = figuresOf(a);
  const inB = figuresOf(b);
  const pairs: TraceComparison[] = [];
  let i = 0;
  let k = 0;
  while (i < inA.length || k < inB.length) {
    const x = inA[i];
    const y = inB[k];
    const order = x === undefined ? 1 : y === undefined ? -1 : byBytes(x.name, y.name);
    pairs.push(pairOf(order <= 0 ? x : undefined, order >= 0 ? y : undefined));
    if (order <= 0) i++;
    if (order >= 0) k++;
  }
  return pairs.sort(worstFirst);
}

/** The figures of a trace's systems by name; of one name those of lower numbers first. */
function figuresOf(trace: Trace): Figures[] {
  const count = trace.frames.length;
  const systems = [...systemRuns(trace, 0, count).values()];
  const totals = new Float64Array(count);
  for (const { runs, frames } of systems) runs.forEach((ns, i) => (totals[frames[i]!]! += ns));
  return systems
    .map(system => {
      const rising = Float64Array.from(system.runs).sort();
      return {
        name: systemName(trace, system.number),
        number: system.number,
        p50: percentileOf(rising, 50),
        p99: percentileOf(rising, 99),
        share: shareOf(system, totals),
      };
    })
    .sort((x, y) => byBytes(x.name, y.name) || x.number - y.number);
}

function percentileOf(rising: Float64Array, p: number): Figure {
  const n = rising.length;
  const value = percentile(rising, p);
  if (n < FEW) return { value, error: NaN };
  const q = p / 100;
  const d = Z * Math.sqrt(n * q * (1 - q));
  const low = rising[Math.max(1, Math.ceil(n * q - d)) - 1]!;
  const high = rising[Math.min(n, Math.ceil(n * q + d)) - 1]!;
  return { value, error: (high - low) / (2 * Z) };
}

/** A system's part of the time of all systems. */
function shareOf(system: SystemRuns, totals: Float64Array): Figure {
  const n = totals.length;
  const sum = totals.reduce((all, one) => all + one, 0);
  if (!(sum > 0)) return { value: 0, error: NaN };
  const share = system.total / sum;
  if (n < FEW) return { value: share, error: NaN };
  let squares = 0;
  let run = 0;
  for (let f = 0; f < n; f++) {
    const time = system.frames[run] === f ? system.runs[run++]! : 0;
    squares += (time - share * totals[f]!) ** 2;
  }
  return { value: share, error: Math.sqrt(squares / (n * (n - 1))) / (sum / n) };
}

function pairOf(a: Figures | undefined, b: Figures | undefined): TraceComparison {
  const p50 = changeOf(a?.p50, b?.p50);
  return {
    system: (a ?? b)!.name,
    only: b === undefined ? 'a' : a === undefined ? 'b' : null,
    p50,
    p99: changeOf(a?.p99, b?.p99),
    share: changeOf(a?.share, b?.share),
    clear: p50.low > 0,
  };
}

function changeOf(a = NONE, b = NONE): TraceChange {
  const change = b.value - a.value;
  const reach = Z * Math.sqrt(a.error * a.error + b.error * b.error);
  return { a: a.value, b: b.value, low: change - reach, high: change + reach };
}

/** Clear rises, then the others, by the change of p50; those of one trace last, by name. */
function worstFirst(x: TraceComparison, y: TraceComparison): number {
  if ((x.only === null) !== (y.only === null)) return x.only === null ? -1 : 1;
  if (x.only === null) {
    if (x.clear !== y.clear) return x.clear ? -1 : 1;
    const order = y.p50.b - y.p50.a - (x.p50.b - x.p50.a);
    if (order !== 0) return order;
  }
  return byBytes(x.system, y.system) || String(x.only).localeCompare(String(y.only));
}

/** The order of two texts' bytes in UTF-8, which is that of their characters. */
function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  // Both may differ in the second half of a character only.
  if (i > 0 && /[\udc00-\udfff]/.test(a[i] ?? b[i]!)) i--;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}
