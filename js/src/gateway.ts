// SPDX-License-Identifier: MIT
// The entry `skep/gateway`: publishes a world to clients over WebSockets.

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
