// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The packed package built by esbuild: page and worker are two entry points, and run in Chromium.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { build } from 'esbuild';
import { checkBundle, checkPage, html, openProject } from './package/project.ts';

test('esbuild builds a page and its worker', async () => {
  await using project = await openProject();
  const result = await build({
    absWorkingDir: project.folder,
    entryPoints: { main: 'src/main_esbuild.ts', worker: 'src/worker.ts' },
    bundle: true,
    format: 'esm',
    minify: true,
    outdir: 'dist',
    logLevel: 'silent',
  });
  assert.deepEqual(result.warnings, []);
  await writeFile(project.path('dist/index.html'), html('./main.js'));
  for (const name of ['main.js', 'worker.js']) await checkBundle(project.path('dist', name));
  await checkPage(project.path('dist'));
});
