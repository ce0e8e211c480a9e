// SPDX-License-Identifier: MIT
// The core that worlds are made in: the package's small one, unless the program imports something
// that needs a larger one.

import { embeddedModule, type CoreModule } from './core_module.js';
import { CORE_BYTES, CORE_DEFLATED } from './embedded.js';

let own: CoreModule | undefined;

/** The core of a new world. */
export function ownCore(): CoreModule {
  return (own ??= embeddedModule(CORE_BYTES, CORE_DEFLATED));
}

/** New worlds are made in another core from now on. */
export function setOwnCore(core: CoreModule): void {
  own = core;
}
