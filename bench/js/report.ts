// SPDX-License-Identifier: MIT
// The bench's table and JSON. A line for each contender; what is held to a bar has a line for each
// bar. Times have three digits, more than two runs agree on.

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { Result, RowReport, Verdict } from './measure.ts';

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
    const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const;
    commit = execFileSync('git', ['describe', '--always', '--dirty'], options).trim();
  } catch {
    // A tarball has no history.
  }
  return {
    node: process.versions.node, v8: process.versions.v8, cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length, commit, date: new Date().toISOString(),
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
  return verdict.kind === 'faster' ? `${digits(verdict.value)} times as fast as ${verdict.than}`
    : `${digits(verdict.value)} of ${verdict.than}`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`;
}

function linesOf(result: Result, report: RowReport): string {
  const name = result.role === 'ours' ? `**${result.name}**` : result.name;
  const head = [name, `${digits(result.median)} ${report.unit}`, spread(result)];
  const verdicts = report.verdicts.filter((verdict) => verdict.of === result.name);
  if (!verdicts.length) {
    const limit = report.results.find(({ role }) => role === 'limit');
    const times = limit && limit !== result
      ? `${digits(result.median / limit.median)} of ${limit.name}` : '';
    return line([...head, times, '', '']);
  }
  return verdicts.map((verdict, i) => line([
    ...(i ? [name, '', ''] : head), ratioText(verdict), barText(verdict, report.unit),
    verdict.met ? 'met' : '**missed**',
  ])).join('');
}

export function tableOf(report: RowReport): string {
  return `\n### ${report.name}: ${report.title}\n\n`
    + line(['', 'median', 'spread', 'compared', 'bar', ''])
    + line(['---', '---:', '---:', '---', '---', '---'])
    + report.results.map((result) => linesOf(result, report)).join('');
}

export function heading(at: Machine): string {
  return `## skep in JavaScript\n\nNode.js ${at.node} (V8 ${at.v8}) on ${at.cores} cores of `
    + `${at.cpu}, commit ${at.commit}, ${at.date.slice(0, 10)}. Medians of rounds in which all of `
    + 'a table take turns; the spread is half the distance of the quartiles. Bold: skep.\n';
}
