// SPDX-License-Identifier: MIT
// The size of what a page downloads for everything that the entry `skep` exports, for the entry
// `skep/client` without prediction, and for the entry `skep/trace`, which has no wasm: bundled and
// minified by esbuild, wasm included, then gzipped. A ratchet: it may not grow past the numbers
// below, and who makes it smaller lowers the number. The bar is far below; the test says how far.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { constants, gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { ROOT } from './browser/site.ts';

/** Bytes, gzipped, as they were when somebody last looked; 2% more are let pass. */
const LIMITS: Readonly<Record<string, { all: number; script: number }>> = {
  skep: { all: 160_200, script: 56_000 },
  'skep/client': { all: 45_300, script: 11_900 },
  'skep/record': { all: 157_600, script: 6_200 },
  'skep/trace': { all: 12_800, script: 12_800 },
};
const SLACK = 1.02;
/** What the entry `skep` should be, wasm included. */
const BAR = 25_000;

/** Leaves the cores' wasm out. */
const withoutWasm: Plugin = {
  name: 'without-wasm',
  setup(at) {
    at.onLoad({ filter: /(core|pool)[/\\]embedded(_\w+)?\.js$/ }, () => ({
      contents:
        'export const CORE_BYTES = 0, CORE_DEFLATED = "", VIEW_BYTES = 0, VIEW_DEFLATED = "", '
        + 'LIVE_BYTES = 0, LIVE_DEFLATED = "", SUPERVISOR_BYTES = 0, SUPERVISOR_DEFLATED = "";',
    }));
  },
};

/** What prediction takes comes when somebody predicts, as a file of its own. */
const withoutPrediction: Plugin = {
  name: 'without-prediction',
  setup(at) {
    at.onResolve({ filter: /prediction\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

async function gzipped(entry: string, plugins: Plugin[]): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${entry}';`, resolveDir: ROOT },
    absWorkingDir: join(ROOT, 'tests/js'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    legalComments: 'none',
    logLevel: 'error',
    write: false,
    plugins: [...plugins, withoutPrediction],
  });
  const options = { level: constants.Z_BEST_COMPRESSION };
  return gzipSync(outputFiles[0]!.contents, options).length;
}

for (const [entry, limits] of Object.entries(LIMITS)) {
  test(`the entry ${entry} does not grow`, async t => {
    const all = await gzipped(entry, []);
    const script = await gzipped(entry, [withoutWasm]);
    const core = entry === 'skep/trace' ? 0 : 20_000;
    assert.ok(all >= script + core, `the core is missing: ${all} bytes in all, ${script} without`);
    const kilo = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
    const bar = entry === 'skep' ? `; the bar of ${kilo(BAR)} is missed by ${kilo(all - BAR)}` : '';
    t.diagnostic(
      `${kilo(all)} gzipped: ${kilo(script)} of JavaScript, ${kilo(all - script)} of wasm${bar}`,
    );
    for (const [what, bytes] of Object.entries({ all, script })) {
      const limit = limits[what as 'all' | 'script'];
      assert.ok(
        bytes <= limit * SLACK,
        `${what}: ${bytes} bytes gzipped, ${limit} and 2% are allowed: make it smaller, or raise `
          + 'the number in this file and say why',
      );
      if (bytes < limit / SLACK) t.diagnostic(`${what}: lower the number to ${bytes}`);
    }
  });
}
