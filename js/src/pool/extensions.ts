// SPDX-License-Identifier: MIT
// The one place where executors put their handlers into a worker: serve() and the runner for Node
// both call it before the worker greets its pool. A call, and not an import for its side effect,
// since bundlers drop those of packages that declare to have none.

import { installWasm } from '../executor/worker_side.js';

/** Registers the handlers of all extensions. @internal */
export function installExtensions(): void {
  installWasm();
}
