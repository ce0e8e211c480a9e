// SPDX-License-Identifier: MIT
// Measures the one row that is named on the command line, with --quick only just, and writes its
// report as JSON to the standard output. A process of its own for each row, so that no row's
// garbage, type feedback or detached buffers reach another.

import { DEFAULTS, QUICK, measureRow, quantile, type RowReport } from './measure.ts';
import type { Fact } from './row.ts';
import { isFact, rows } from './rows.ts';

async function factReport(fact: Fact, quick: boolean): Promise<RowReport> {
  const values = await fact.measure(quick);
  return {
    name: fact.name,
    title: fact.title,
    unit: fact.unit,
    results: values.map(({ name, role, value, samples = [value] }) => {
      const sorted = [...samples].sort((a, b) => a - b);
      const [low, high] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
      return { name, role, median: value, low, high, samples: [...samples] };
    }),
    traced: [],
    verdicts: fact.bars.map(({ of, value }) => {
      const found = values.find(({ name }) => name === of)!.value;
      return { of, kind: 'value' as const, value: found, bar: value, met: found <= value };
    }),
  };
}

const name = process.argv[2] ?? '';
const load = rows.get(name);
if (!load) throw new Error(`there is no row "${name}"`);
const row = await load();
const quick = process.argv[3] === '--quick';
const report = isFact(row)
  ? await factReport(row, quick)
  : await measureRow(row, quick ? QUICK : DEFAULTS);
process.stdout.write(JSON.stringify(report));
