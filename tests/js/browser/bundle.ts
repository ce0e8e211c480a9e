// SPDX-License-Identifier: MIT
// Bundles test pages and worker entries the way users do, by esbuild, into memory: what comes out
// are files for openSite({ files }).

import { build } from 'esbuild';
import { basename, resolve } from 'node:path';
import { ROOT } from './site.ts';

/** Bundles each entry (address: path from the root of the checkout) into one module. Returns text
 * by address. */
export async function bundle(
  entries: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  await Promise.all(
    Object.entries(entries).map(async ([address, path]) => {
      const result = await build({
        entryPoints: [resolve(ROOT, path)],
        absWorkingDir: ROOT,
        bundle: true,
        write: false,
        format: 'esm',
        target: 'es2022',
        platform: 'browser',
        logLevel: 'silent',
      });
      const [file] = result.outputFiles;
      if (!file) throw new Error(`${basename(path)}: esbuild wrote nothing`);
      files[address] = file.text;
    }),
  );
  return files;
}
