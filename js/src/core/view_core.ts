// SPDX-License-Identifier: MIT
// The core of clients that predict nothing: views, and no worlds.

import { embeddedModule, type CoreModule } from './core_module.js';
import { VIEW_BYTES, VIEW_DEFLATED } from './embedded_view.js';

let view: CoreModule | undefined;

/** It; one for all who ask. */
export function viewCore(): CoreModule {
  return (view ??= embeddedModule(VIEW_BYTES, VIEW_DEFLATED));
}
