// SPDX-License-Identifier: MIT
// The entry `skep/trace`: reads trace files, and works out of them why frames took so long. It
// imports nothing else of the package but its errors, and asks nothing of its host: it runs in
// pages as well.

export * from './trace/kinds.js';
export { readTrace, traceChecksum, TraceError, TRACE_VERSION } from './trace/read.js';
export type * from './trace/types.js';
