// SPDX-License-Identifier: MIT
// The entry `skep/client`: a live, read-only view of a world that a server publishes, in pages and
// on Node.

export { connect, type Live } from './client/live.js';
export type { Frame, FrameChange } from './client/frame.js';
export type {
  ConnectOptions,
  EventInfo,
  Interest,
  LiveState,
  LiveStats,
  OwnState,
  PredictOptions,
  PredictStats,
} from './client/options.js';
export {
  webSocketTransport,
  type Transport,
  type TransportConnection,
  type TransportEvents,
} from './client/transport.js';
export * from './errors.js';
