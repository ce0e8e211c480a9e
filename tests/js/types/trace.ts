// SPDX-License-Identifier: MIT
// The types of `skep/trace`: what it takes and gives, and that nobody changes what was read.

import {
  KIND,
  compareTraces,
  criticalPath,
  firstAdvice,
  idle,
  readTrace,
  systemStats,
  traceHtml,
  traceJson,
  type Trace,
  type TraceFrame,
  type TraceSegment,
} from 'skep/trace';

const trace: Trace = readTrace(new Uint8Array(16));
// @ts-expect-error bytes, not a path
readTrace('out.skept');
const frame: TraceFrame = trace.frames[0]!;
const path: TraceSegment[] = criticalPath(trace, frame);
// @ts-expect-error a frame, not its number
criticalPath(trace, 0);
// @ts-expect-error what was read stays as it is
trace.frames.push(frame);
// @ts-expect-error of a frame as well
frame.begin = 0;
const kind: number = trace.rows[0]!.kind[0]!;
const isFrame: boolean = kind === KIND.FRAME;
// @ts-expect-error there is no such kind
KIND.SLEEP;
const advice = firstAdvice(trace, frame);
// @ts-expect-error there may be none
advice.system;
const split: boolean | undefined = advice?.split;
const runs: Float64Array | undefined = systemStats(trace, 0, 1)[0]?.runsNs;
const [first] = idle(trace, 1, frame.begin, frame.end);
const reason: number | undefined = first?.reason;
const only: 'a' | 'b' | null | undefined = compareTraces(trace, trace)[0]?.only;
for (const piece of traceJson(trace)) void (piece satisfies string);
// @ts-expect-error the page is needed as well
traceHtml(new Uint8Array(16));

export { isFrame, only, path, reason, runs, split };
