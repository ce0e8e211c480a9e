// SPDX-License-Identifier: MIT
// The size of what a page downloads for everything that the entry `skep` exports: bundled and
// minified by esbuild, wasm included, then gzipped. A ratchet: it may not grow past the number
// below, and who makes it smaller lowers the number. The bar is far below; the test says how far.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { constants, gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { ROOT } from './browser/site.ts';

/** Bytes, gzipped, as they were when somebody last looked; 2% more are let pass. */
const LIMIT = { all: 143_700, script: 50_100 };
const SLACK = 1.02;
/** What it should be, wasm included. */
const BAR = 25_000;

/** Leaves the core's wasm out. */
const withoutWasm: Plugin = {
  name: 'without-wasm',
  setup(at) {
    at.onLoad({ filter: /core[/\\]embedded\.js$/ }, () => ({
      contents: 'export const CORE_BYTES = 0, CORE_DEFLATED = "";',
    }));
  },
};

async function gzipped(plugins: Plugin[]): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: "export * from 'skep';", resolveDir: ROOT },
    absWorkingDir: join(ROOT, 'tests/js'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    legalComments: 'none',
    logLevel: 'error',
    write: false,
    plugins,
  });
  const options = { level: constants.Z_BEST_COMPRESSION };
  return gzipSync(outputFiles[0]!.contents, options).length;
}

test('the entry skep does not grow', async t => {
  const all = await gzipped([]);
  const script = await gzipped([withoutWasm]);
  assert.ok(all > script + 20_000, `the core is missing: ${all} bytes in all, ${script} without`);
  const kilo = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
  t.diagnostic(
    `${kilo(all)} gzipped: ${kilo(script)} of JavaScript, ${kilo(all - script)} of wasm; `
      + `the bar of ${kilo(BAR)} is missed by ${kilo(all - BAR)}`,
  );
  for (const [what, bytes] of [
    ['all', all],
    ['script', script],
  ] as const) {
    const limit = LIMIT[what];
    assert.ok(
      bytes <= limit * SLACK,
      `${what}: ${bytes} bytes gzipped, ${limit} and 2% are allowed: make it smaller, or raise the `
        + 'number in this file and say why',
    );
    if (bytes < limit / SLACK) t.diagnostic(`${what}: lower the number to ${bytes}`);
  }
});
