// SPDX-License-Identifier: MIT
// What a page downloads for `import * as ecs from 'skep'`, wasm included: bundled and minified by
// esbuild, then gzipped. Peers the same way.

import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import type { Fact, FactValue } from '../row.ts';

/** Bytes of a module with all that it imports. */
export async function bundledBytes(entry: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from ${JSON.stringify(entry)};`,
      resolveDir: join(import.meta.dirname, '..', '..', '..') },
    bundle: true, minify: true, format: 'esm', target: 'es2022', platform: 'browser', write: false,
    treeShaking: true, legalComments: 'none', logLevel: 'error',
  });
  return gzipSync(outputFiles[0]!.contents, { level: constants.Z_BEST_COMPRESSION }).length;
}

async function measure(): Promise<FactValue[]> {
  const values: FactValue[] = [];
  for (const [name, role] of [
    ['skep', 'ours'], ['bitecs', 'peer'], ['koota', 'peer'], ['miniplex', 'peer'],
    ['piecs', 'peer'],
  ] as const) {
    values.push({ name, role, value: (await bundledBytes(name)) / 1000 });
  }
  return values;
}

const fact: Fact = {
  name: 'size', title: 'the whole entry, minified and gzipped, JavaScript and wasm', unit: 'kB',
  measure,
  bars: [{ of: 'skep', value: 25 }],
};
export default fact;
