// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The types of the package: tsc must find an error on every line of tests/js/types/ that expects
// one, and on no other. A subject is a file there (components, jobs; the world's belong into
// world.ts); this test finds it by itself.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './browser/site.ts';

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const FOLDER = join(ROOT, 'tests/js/types');

function tsc(project: string): { code: number | null; output: string } {
  const done = spawnSync(process.execPath, [TSC, '-p', project, '--pretty', 'false'], {
    encoding: 'utf8',
    cwd: ROOT,
  });
  return { code: done.status, output: done.stdout + done.stderr };
}

test('every line is an error where it should be, and none elsewhere', () => {
  const { code, output } = tsc(FOLDER);
  assert.equal(output, '');
  assert.equal(code, 0);
});

test('every file expects errors', () => {
  const files = readdirSync(FOLDER).filter(name => name.endsWith('.ts'));
  assert.ok(files.length >= 2, `${FOLDER} holds ${files.join(' ')}`);
  for (const name of files) {
    const expected = readFileSync(join(FOLDER, name), 'utf8').match(/@ts-expect-error \w/g) ?? [];
    assert.ok(expected.length > 0, `${name} expects no error`);
  }
});

test('an expectation that does not hold is told', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skep_types_'));
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    // What is included there is not wanted here, and would be all of the tests.
    const options = {
      extends: join(ROOT, 'tests/js/tsconfig.json'),
      files: ['wrong.ts'],
      include: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
    writeFileSync(
      join(folder, 'wrong.ts'),
      "import { defineTag } from 'skep';\n"
        + "// @ts-expect-error this is no error\ndefineTag('A');\ndefineTag(1);\n",
    );
    const { code, output } = tsc(folder);
    assert.match(output, /wrong\.ts\(2,1\): error TS2578: Unused/);
    assert.match(output, /wrong\.ts\(4,11\): error TS2345/);
    assert.notEqual(code, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
