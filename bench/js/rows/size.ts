// SPDX-License-Identifier: MIT
// What a page downloads for `import * as ecs from 'skep'`, wasm included: bundled and minified by
// esbuild, then gzipped. Peers the same way.

import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import type { Fact, FactValue } from '../row.ts';

/** Leaves the core's wasm out. */
const withoutWasm: Plugin = {
  name: 'without-wasm',
  setup(at) {
    at.onLoad({ filter: /core[/\\]embedded\.js$/ }, () => ({
      contents: 'export const CORE_BYTES = 0, CORE_DEFLATED = "";',
    }));
  },
};

/** Thousands of bytes of a module with all that it imports. */
async function bundled(entry: string, plugins: Plugin[] = []): Promise<number> {
  const { outputFiles } = await build({
    stdin: {
      contents: `export * from ${JSON.stringify(entry)};`,
      resolveDir: join(import.meta.dirname, '..', '..', '..'),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    write: false,
    treeShaking: true,
    legalComments: 'none',
    logLevel: 'error',
    plugins,
  });
  const options = { level: constants.Z_BEST_COMPRESSION };
  return gzipSync(outputFiles[0]!.contents, options).length / 1000;
}

async function measure(): Promise<FactValue[]> {
  const values: FactValue[] = [
    { name: 'skep', role: 'ours', value: await bundled('skep') },
    { name: 'skep without wasm', role: 'ours', value: await bundled('skep', [withoutWasm]) },
  ];
  for (const name of ['bitecs', 'koota', 'miniplex', 'piecs']) {
    values.push({ name, role: 'peer', value: await bundled(name) });
  }
  return values;
}

const fact: Fact = {
  name: 'size',
  title: 'the whole entry, minified and gzipped, JavaScript and wasm',
  unit: 'kB',
  measure,
  bars: [{ of: 'skep', value: 25 }],
};
export default fact;
