// SPDX-License-Identifier: MIT
// Figures as people read them: three digits of a time with its unit, whole shares, and columns of a
// table in one unit, so that digits stand below digits.

const COUNT = new Intl.NumberFormat('en-US');

/** A unit of time for a column, and how many decimals it is given. */
export interface Unit {
  readonly name: 's' | 'ms' | 'µs' | 'ns';
  readonly ns: number;
  readonly decimals: number;
}

const UNITS = [
  { name: 's', ns: 1e9 },
  { name: 'ms', ns: 1e6 },
  { name: 'µs', ns: 1e3 },
  { name: 'ns', ns: 1 },
] as const;

/** 12345 as "12,345". */
export function count(n: number): string {
  return COUNT.format(n);
}

/** "1 block", "12 blocks". */
export function plural(n: number, what: string): string {
  return `${count(n)} ${what}${n === 1 ? '' : 's'}`;
}

function digits(value: number): string {
  const whole = Math.abs(value);
  if (whole >= 1000) return count(Math.round(value));
  return value.toFixed(whole >= 99.95 ? 0 : whole >= 9.995 ? 1 : 2);
}

/** A time with three digits: "11.4 ms"; the space does not break. */
export function time(ns: number): string {
  const size = Math.abs(ns);
  if (size < 0.5) return '0';
  if (size < 999.5) return `${Math.round(ns)}\u00a0ns`;
  // 999,995 ns would be "1000 µs".
  const unit = UNITS.find(one => size >= one.ns * 0.9995) ?? UNITS[3];
  return `${digits(ns / unit.ns)}\u00a0${unit.name}`;
}

/** A time to the nanosecond, as details give it: "11,412,345 ns". */
export function exact(ns: number): string {
  return `${count(Math.round(ns))} ns`;
}

/** A change: "+1.2 ms", "−340 µs"; the minus is one that lines up. */
export function signed(ns: number): string {
  if (Math.abs(ns) < 0.5) return '0';
  return (ns > 0 ? '+' : '−') + time(Math.abs(ns));
}

/** A part of one as per cent: "8.3%", "62%". */
export function share(part: number): string {
  if (!Number.isFinite(part)) return '–';
  const percent = part * 100;
  if (percent === 0) return '0%';
  if (Math.abs(percent) < 0.1) return percent > 0 ? '<0.1%' : '>−0.1%';
  return `${percent.toFixed(Math.abs(percent) < 9.95 ? 1 : 0).replace('-', '−')}%`;
}

/** A change of a share, in points: "+1.2". */
export function points(part: number): string {
  const value = (part * 100).toFixed(1);
  if (value === '0.0' || value === '-0.0') return '0.0';
  return part > 0 ? `+${value}` : value.replace('-', '−');
}

/** The unit in which a column stands whose largest value is known. */
export function unitOf(maxNs: number): Unit {
  const unit = UNITS.find(one => maxNs >= one.ns) ?? UNITS[3];
  const whole = maxNs / unit.ns;
  return { ...unit, decimals: unit.name === 'ns' ? 0 : whole >= 1000 ? 0 : whole >= 100 ? 1 : 2 };
}

/** A time in a column's unit, without its name. */
export function inUnit(ns: number, unit: Unit): string {
  const value = ns / unit.ns;
  // What is there is not shown as nothing.
  if (value > 0 && value < 0.5 * 10 ** -unit.decimals) return `<${10 ** -unit.decimals}`;
  const [whole, part] = value.toFixed(unit.decimals).split('.');
  return count(Number(whole)) + (part === undefined ? '' : `.${part}`);
}

/** Bytes: "12.3 MB". */
export function bytes(n: number): string {
  const unit = n >= 1e9 ? 1e9 : n >= 1e6 ? 1e6 : n >= 1e3 ? 1e3 : 1;
  const name = { 1e9: 'GB', 1e6: 'MB', 1e3: 'kB', 1: 'B' }[unit];
  return `${unit === 1 ? count(n) : digits(n / unit)} ${name}`;
}

/** A value of a counter, short: "20.1k". */
export function short(n: number): string {
  const size = Math.abs(n);
  if (size >= 1e9) return `${digits(n / 1e9)}G`;
  if (size >= 1e6) return `${digits(n / 1e6)}M`;
  if (size >= 1e4) return `${digits(n / 1e3)}k`;
  return Number.isInteger(n) ? count(n) : digits(n);
}

/** "a", "a and b", "a, b and c". */
export function list(parts: readonly string[]): string {
  if (parts.length < 2) return parts[0] ?? '';
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** What a thread is called in a sentence: "the caller", "worker 1". */
export function threadName(thread: number): string {
  return thread === 0 ? 'the caller' : `worker ${thread}`;
}
