// SPDX-License-Identifier: MIT
// The core with all that servers and clients of live worlds need, and recordings.

import { embeddedModule, type CoreModule } from './core_module.js';
import { LIVE_BYTES, LIVE_DEFLATED } from './embedded_live.js';

let live: CoreModule | undefined;

/** It; one for all who ask. */
export function liveCore(): CoreModule {
  return (live ??= embeddedModule(LIVE_BYTES, LIVE_DEFLATED));
}
