// SPDX-License-Identifier: MIT
// The library's own component Parent, by which entities belong to one another.

import { defineComponent } from './component.js';

/** The entity's parent: destroying that destroys this entity as well, and its own children with it.
 * Cycles are harmless. World.children lists the other direction. */
export const Parent = /* @__PURE__ */ defineComponent({ name: 'Parent', fields: { of: 'entity' } });
