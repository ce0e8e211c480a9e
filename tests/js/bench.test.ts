// SPDX-License-Identifier: MIT
// ctest: timeout=900
// The bench, just so far that every row runs, leaves the state that it must, and is reported: its
// contenders check themselves. No time is looked at.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const main = join(import.meta.dirname, '..', '..', 'bench', 'js', 'main.ts');

function bench(...args: string[]): string {
  return execFileSync(process.execPath, ['--no-warnings', main, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
}

interface Report {
  machine: { node: string; cpu: string; commit: string };
  rows: {
    name: string;
    results: { name: string; role: string; samples: number[] }[];
    verdicts: { of: string; met: boolean }[];
  }[];
  failed: string[];
}

test('every row runs and is right, and is in the JSON', () => {
  const names = bench('--list').trim().split('\n');
  const report = JSON.parse(bench('--quick', '--json')) as Report;
  assert.deepEqual(report.failed, []);
  assert.deepEqual(
    report.rows.map(row => row.name),
    names,
  );
  assert.equal(report.machine.node, process.versions.node);
  for (const { name, results, verdicts } of report.rows) {
    assert.ok(results.length > 1, `${name} has one contender`);
    assert.ok(
      results.some(({ role }) => role === 'ours'),
      `${name} has none of ours`,
    );
    for (const result of results) {
      assert.ok(
        result.samples.every(sample => sample >= 0),
        `${name}: ${result.name}`,
      );
    }
    for (const { of } of verdicts) assert.ok(results.some(result => result.name === of));
  }
  const barred = report.rows.flatMap(row => row.verdicts);
  assert.ok(barred.length >= 20, `only ${barred.length} bars`);
});

test('names pick rows, an unknown one is an error, and the table has a line a contender', () => {
  const text = bench('--quick', 'suite/packed');
  assert.match(text, /### suite\/packed_5: /);
  assert.equal(text.match(/^### /gm)!.length, 1);
  for (const name of ['typed arrays', '\\*\\*skep\\*\\*', 'bitecs', 'koota', 'miniplex', 'piecs']) {
    assert.match(text, new RegExp(`^\\| ${name} \\| [0-9.,]+ us \\|`, 'm'));
  }
  assert.throws(
    () => execFileSync(process.execPath, [main, 'suite/none'], { stdio: 'pipe' }),
    (error: { status: number; stderr: Buffer }) =>
      error.status === 2 && String(error.stderr).includes('there is no row "suite/none"'),
  );
});
