// SPDX-License-Identifier: MIT
// The bench's table and JSON. A line for each contender; what is held to a bar has a line for each
// bar. Times have three digits, more than two runs agree on.

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { ratio, type Result, type RowReport, type Traced, type Verdict } from './measure.ts';
import type { Role } from './row.ts';

export interface Machine {
  node: string;
  v8: string;
  cpu: string;
  cores: number;
  commit: string;
  date: string;
}

export function machine(): Machine {
  let commit = 'unknown';
  try {
    commit = execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    // A tarball has no history.
  }
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    commit,
    date: new Date().toISOString(),
  };
}

export function digits(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

function spread(result: Result): string {
  if (result.samples.length < 2) return '';
  return `±${digits((50 * (result.high - result.low)) / result.median)}%`;
}

function barText(verdict: Verdict, unit: string): string {
  if (verdict.kind === 'value') return `at most ${digits(verdict.bar)} ${unit}`;
  if (verdict.kind === 'faster') return `at least ${digits(verdict.bar)} times as fast`;
  const plus = verdict.plus === undefined ? '' : ` and ${digits(verdict.plus)} ${unit}`;
  return `at most ${digits(verdict.bar)} times${plus}`;
}

function ratioText(verdict: Verdict): string {
  if (verdict.kind === 'value') return '';
  return verdict.kind === 'faster'
    ? `${digits(verdict.value)} times as fast as ${verdict.than}`
    : `${digits(verdict.value)} of ${verdict.than}`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`;
}

/** How a contender compares with the row's limit, and what its bars say; a line for each. */
function comparisons(result: Result, report: RowReport): string[][] {
  const verdicts = report.verdicts.filter(verdict => verdict.of === result.name);
  const lines = verdicts.map(verdict => [
    ratioText(verdict),
    barText(verdict, report.unit),
    verdict.met ? 'met' : '**missed**',
  ]);
  const limit = report.results.find(({ role }) => role === 'limit');
  if (!limit || limit === result) return lines;
  if (verdicts.some(verdict => verdict.than === limit.name)) return lines;
  const times = `${digits(ratio(result, limit))} of ${limit.name}`;
  // A bar on the value alone says nothing in this column.
  if (verdicts.length === 1 && verdicts[0]!.kind === 'value') lines[0]![0] = times;
  else lines.unshift([times, '', '']);
  return lines;
}

function linesOf(result: Result, report: RowReport): string {
  const name = result.role === 'ours' ? `**${result.name}**` : result.name;
  const head = [name, `${digits(result.median)} ${report.unit}`, spread(result)];
  const compared = comparisons(result, report);
  if (!compared.length) compared.push(['', '', '']);
  return compared.map((cells, i) => line([...(i ? [name, '', ''] : head), ...cells])).join('');
}

/** The same contender with tracing on. */
function tracedLine({ of, off, on, records, nsPerRecord }: Traced, { unit }: RowReport): string {
  const added = `${digits(nsPerRecord)} ns a record, ${digits(records)} records a run`;
  return line([
    `**${of}, traced**`,
    `${digits(on)} ${unit}`,
    '',
    `beside ${digits(off)}`,
    added,
    '',
  ]);
}

export function tableOf(report: RowReport): string {
  return (
    `\n### ${report.name}: ${report.title}\n\n`
    + line(['', 'median', 'spread', 'compared', 'bar', ''])
    + line(['---', '---:', '---:', '---', '---', '---'])
    + report.results.map(result => linesOf(result, report)).join('')
    + report.traced.map(traced => tracedLine(traced, report)).join('')
  );
}

function timesOf(report: RowReport, role: Role): string {
  const { unit } = report;
  return report.results
    .filter(result => result.role === role)
    .map(({ name, median }) => `${name} ${digits(median)} ${unit}`)
    .join('<br>');
}

/** The head of a table of a line a row. */
export function shortHeading(at: Machine): string {
  return (
    `Node.js ${at.node} on ${at.cores} cores of ${at.cpu}, commit ${at.commit}, `
    + `${at.date.slice(0, 10)}; medians.\n\n`
    + line(['', 'by hand', 'skep', 'others', 'bars'])
    + line(['---', '---', '---', '---', '---'])
  );
}

/** A row as one line of that table. */
export function shortLine(report: RowReport): string {
  const met = report.verdicts.filter(verdict => verdict.met).length;
  const bars = report.verdicts.length ? `${met} of ${report.verdicts.length} met` : '';
  const times = (['limit', 'ours', 'peer'] as const).map(role => timesOf(report, role));
  return line([`${report.title} (\`${report.name}\`)`, ...times, bars]);
}

export function heading(at: Machine): string {
  return (
    `## skep in JavaScript\n\nNode.js ${at.node} (V8 ${at.v8}) on ${at.cores} cores of `
    + `${at.cpu}, commit ${at.commit}, ${at.date.slice(0, 10)}. Medians of rounds in which all of `
    + 'a table take turns; the spread is half the distance of the quartiles. Bold: skep.\n'
  );
}
