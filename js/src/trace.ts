// SPDX-License-Identifier: MIT
// The entry `skep/trace`: reads trace files, and works out of them why frames took so long. It
// imports nothing else of the package but its errors, and asks nothing of its host: it runs in
// pages as well.

export { compareTraces } from './trace/compare.js';
export { traceHtml, TRACE_HTML_MARK } from './trace/html.js';
export { idle, threadStats } from './trace/idle.js';
export { traceJson } from './trace/json.js';
export * from './trace/kinds.js';
export { criticalPath, firstAdvice, whatHelps, type TraceAdvice } from './trace/path.js';
export { readTrace, traceChecksum, TraceError, TRACE_VERSION } from './trace/read.js';
export { batches, frameAt, queueWait, stages, systemName, zoneName } from './trace/sections.js';
export { percentile, slowFrames, systemStats, worstFrames } from './trace/stats.js';
export type * from './trace/types.js';
