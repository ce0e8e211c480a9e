// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The packed package built by Vite, which finds the worker by itself, and run in Chromium.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { build, createLogger } from 'vite';
import { checkBundle, checkPage, html, openProject } from './package/project.ts';

test('vite builds a page and its worker', async () => {
  await using project = await openProject();
  await writeFile(project.path('index.html'), html('/src/main.ts'));
  const warnings: string[] = [];
  // On a busy machine rolldown would warn of how long plugins take.
  const rolldownOptions = { checks: { bundlerTimings: false } };
  const logger = createLogger('silent');
  logger.warn = logger.warnOnce = logger.error = text => void warnings.push(text);
  await build({
    root: project.folder,
    configFile: false,
    logLevel: 'warn',
    customLogger: logger,
    build: { rolldownOptions },
    worker: { rolldownOptions },
  });
  assert.deepEqual(warnings, []);
  const files = await readdir(project.path('dist/assets'));
  assert.ok(
    files.some(name => name.startsWith('worker')),
    `no worker among ${files.join(' ')}`,
  );
  for (const name of files) await checkBundle(project.path('dist/assets', name));
  await checkPage(project.path('dist'));
});

// What stands in an entry beside the exports that it hands on is passed over by rolldown.
test('vite builds a server whose world can be published', async () => {
  await using project = await openProject();
  await writeFile(
    project.path('server.js'),
    `import { World } from 'skep';
    import { createGateway } from 'skep/gateway';
    const gateway = createGateway();
    gateway.publish(new World());
    await gateway.close();
    console.log('published');`,
  );
  await build({
    root: project.folder,
    configFile: false,
    logLevel: 'silent',
    build: { ssr: 'server.js', outDir: 'server' },
    ssr: { noExternal: true },
  });
  const [file = ''] = await readdir(project.path('server'));
  const said = execFileSync(process.execPath, [project.path('server', file)], { encoding: 'utf8' });
  assert.equal(said, 'published\n');
});
