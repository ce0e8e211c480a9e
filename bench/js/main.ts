// SPDX-License-Identifier: MIT
// npm run bench [-- [--json | --short] [--quick] [--list] [NAME...]]: skep beside its limits and
// its peers.
//
// Prints a markdown table for each row as soon as it is measured; with --json nothing but one JSON
// object at the end, with all samples; with --short one table of a line a row. --quick only shows
// that every row runs and is right. NAME picks rows, and groups of rows by the beginning of their
// names. Ends with 1 if a row could not be measured or left a wrong state; a bar that was missed
// says so in the table and is no error.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RowReport } from './measure.ts';
import { heading, machine, shortHeading, shortLine, tableOf } from './report.ts';
import { rows } from './rows.ts';

const FLAGS = ['--expose-gc', '--no-warnings'];

function chosen(names: readonly string[]): string[] {
  const all = [...rows.keys()];
  if (!names.length) return all;
  for (const name of names) {
    if (all.some(row => row.startsWith(name))) continue;
    process.stderr.write(`bench: there is no row "${name}"; rows: ${all.join(' ')}\n`);
    process.exit(2);
  }
  return all.filter(row => names.some(name => row.startsWith(name)));
}

/** Measures a row in a process of its own; undefined where that failed, with the reason on the
 * standard error. */
function measure(name: string, quick: boolean): RowReport | undefined {
  const args = [...FLAGS, join(import.meta.dirname, 'child.ts'), name];
  if (quick) args.push('--quick');
  const child = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  if (child.status !== 0) return undefined;
  return JSON.parse(child.stdout) as RowReport;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    list: { type: 'boolean' },
    quick: { type: 'boolean' },
    short: { type: 'boolean' },
  },
});
if (values.list) {
  process.stdout.write(`${[...rows.keys()].join('\n')}\n`);
  process.exit(0);
}
const at = machine();
const reports: RowReport[] = [];
const failed: string[] = [];
if (!values.json) process.stdout.write(values.short ? shortHeading(at) : heading(at));
for (const name of chosen(positionals)) {
  const report = measure(name, values.quick ?? false);
  if (!report) {
    failed.push(name);
    continue;
  }
  reports.push(report);
  if (!values.json) process.stdout.write(values.short ? shortLine(report) : tableOf(report));
}
if (values.json) {
  process.stdout.write(`${JSON.stringify({ machine: at, rows: reports, failed })}\n`);
}
const bars = reports.flatMap(report => report.verdicts);
const missed = bars.filter(verdict => !verdict.met).length;
if (!values.json) process.stdout.write(`\n${bars.length} bars, ${missed} missed.\n`);
if (failed.length) {
  process.stderr.write(`bench: not measured: ${failed.join(' ')}\n`);
  process.exitCode = 1;
}
