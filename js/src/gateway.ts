// SPDX-License-Identifier: MIT
// The entry `skep/gateway`: publishes a world to clients over WebSockets.

import { liveCore } from './core/live_core.js';
import { setOwnCore } from './core/own_core.js';

// Worlds that are made from here on can be published.
setOwnCore(liveCore());

export { createGateway, type Gateway, type GatewayOptions } from './gateway/gateway.js';
export {
  q,
  type Admission,
  type Attached,
  type Caller,
  type GatewayEvents,
  type GatewayLimits,
  type GatewayStats,
  type Pipe,
  type Place,
  type Player,
  type PublishOptions,
  type Quantum,
} from './gateway/options.js';
export type { HttpServer, UpgradeRequest } from './gateway/socket.js';
