// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The packed package built by webpack, which finds the worker by itself, and run in Chromium.

import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import webpack, { type Configuration, type StatsCompilation } from 'webpack';
import { ROOT } from './browser/harness.ts';
import { checkBundle, checkPage, html, openProject } from './package/project.ts';

function build(config: Configuration): Promise<StatsCompilation> {
  return new Promise((done, fail) => {
    const compiler = webpack(config);
    compiler.run((error, stats) => {
      compiler.close(() => {
        if (error) fail(error);
        else done(stats!.toJson({ all: false, errors: true, warnings: true }));
      });
    });
  });
}

test('webpack builds a page and its worker', async () => {
  await using project = await openProject();
  await writeFile(
    project.path('tsconfig.json'),
    JSON.stringify({ compilerOptions: { target: 'es2022', module: 'esnext' } }),
  );
  const told = await build({
    context: project.folder,
    mode: 'production',
    entry: './src/main.ts',
    output: { path: project.path('dist') },
    resolve: { extensions: ['.ts', '.js'] },
    resolveLoader: { modules: [`${ROOT}/node_modules`] },
    module: {
      rules: [{ test: /\.ts$/, loader: 'ts-loader', options: { transpileOnly: true } }],
    },
    performance: false,
  });
  assert.deepEqual(told.errors, []);
  assert.deepEqual(told.warnings, []);
  await writeFile(project.path('dist/index.html'), html('./main.js'));
  const files = (await readdir(project.path('dist'))).filter(name => name.endsWith('.js'));
  assert.ok(files.length >= 2, `no worker beside ${files.join(' ')}`);
  for (const name of files) await checkBundle(project.path('dist', name));
  await checkPage(project.path('dist'));
});
