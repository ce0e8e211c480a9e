// SPDX-License-Identifier: MIT
// The page: makes its workers the way bundlers know, and leaves what it found in a global.

import { run } from './run.ts';

const found = run({
  executor: 'web',
  createWorker: () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
});
found.then(
  value => Reflect.set(globalThis, 'found', value),
  (error: unknown) => Reflect.set(globalThis, 'found', { error: String(error) }),
);
