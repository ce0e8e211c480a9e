// SPDX-License-Identifier: MIT
// The page for esbuild, which builds a worker as an entry point of its own, under the name that the
// page asks for.

import { run } from './run.ts';

const found = run({
  executor: 'web',
  createWorker: () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
});
found.then(
  value => Reflect.set(globalThis, 'found', value),
  (error: unknown) => Reflect.set(globalThis, 'found', { error: String(error) }),
);
