// SPDX-License-Identifier: MIT
// A trace as readers see it, and what is worked out of it; docs/trace-format.md says how. All times
// are nanoseconds from the trace's time 0, as plain numbers.

/** A system of the plan that was traced. */
export interface TraceSystem {
  readonly number: number;
  readonly name: string;
  readonly stage: string;
  /** From 1. */
  readonly batch: number;
  readonly place: number;
  readonly main: boolean;
  readonly unsplit: boolean;
  readonly hidden: boolean;
}

/** One system waits for another. */
export interface TraceEdge {
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

/**
 * The zones of one row, sorted by beginning, outer before inner: index `i` of all arrays is one
 * zone. LOST and RESPAWN are on their worker's row. Derived zones are not in here.
 */
export interface TraceRow {
  /** 0: the caller. */
  readonly thread: number;
  readonly name: string;
  /** The file lacks its records, and nothing is known of it; the row is empty. */
  readonly missing: boolean;
  /** Records that were written before those of the file, and are not in it. */
  readonly lost: number;
  readonly count: number;
  /** A number of KIND. */
  readonly kind: Uint8Array;
  readonly begin: Float64Array;
  readonly end: Float64Array;
  /** The payload's two halves. */
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  /** How many zones of the row contain this one. */
  readonly depth: Uint8Array;
  /** The innermost zone around this one, or -1. */
  readonly parent: Int32Array;
  /** Duration less that of the zones directly inside. */
  readonly self: Float64Array;
}

/** A moment: a fault, or blocks that were copied. */
export interface TraceMark {
  readonly thread: number;
  readonly at: number;
  readonly kind: number;
  readonly low: number;
  readonly high: number;
}

/** The values of one counter. */
export interface TraceCounter {
  readonly kind: number;
  readonly name: string;
  readonly at: Float64Array;
  readonly value: Float64Array;
}

/** One frame: a zone of the caller's row. */
export interface TraceFrame {
  readonly index: number;
  /** The world's tick. */
  readonly tick: number;
  readonly begin: number;
  readonly end: number;
  /** Index of the FRAME zone in the caller's row. */
  readonly zone: number;
}

/** A trace file, read. */
export interface Trace {
  readonly stepNs: number;
  /** 0: none. */
  readonly budgetNs: number;
  /** Since 1970; 0 where unknown. */
  readonly unixNs: number;
  readonly workers: number;
  readonly host: ReadonlyMap<string, string>;
  readonly systems: readonly TraceSystem[];
  readonly edges: readonly TraceEdge[];
  readonly names: ReadonlyMap<number, string>;
  /** By number of the thread. */
  readonly rows: readonly TraceRow[];
  readonly marks: readonly TraceMark[];
  readonly counters: readonly TraceCounter[];
  readonly frames: readonly TraceFrame[];
  /** What was damaged or missing, in sentences; empty for a good file. */
  readonly problems: readonly string[];
}

/** Why a thread idles: a number of REASON. */
export interface TraceIdle {
  readonly thread: number;
  readonly begin: number;
  readonly end: number;
  readonly reason: number;
}

/** A batch or a stage: worked out, on the caller's row. */
export interface TraceSpan {
  readonly name: string;
  readonly batch: number;
  readonly begin: number;
  readonly end: number;
}

/** One piece of a frame's critical path, in the order of time. */
export interface TraceSegment {
  readonly thread: number;
  /** Index in the thread's row, or -1 where no zone is meant: then `what` says which gap. */
  readonly zone: number;
  /** A system's name, the host's for its zone, a kind's text, or "join", "claim", "wake". */
  readonly what: string;
  readonly begin: number;
  readonly end: number;
}

/** How much shorter a frame would be. */
export interface TraceHelp {
  /** The system's name. */
  readonly system: string;
  readonly number: number;
  /** If it took no time. */
  readonly withoutNs: number;
  /** If its work were spread evenly over all threads. */
  readonly splitNs: number;
}

/** What is told of one system over a range of frames. */
export interface TraceSystemStats {
  readonly system: string;
  readonly number: number;
  readonly runs: number;
  readonly blocks: number;
  readonly totalNs: number;
  readonly selfNs: number;
  readonly p50Ns: number;
  readonly p95Ns: number;
  readonly p99Ns: number;
  readonly maxNs: number;
  /** The longest single zone: thread, index in its row, duration. */
  readonly longest: { readonly thread: number; readonly zone: number; readonly ns: number };
  /** By thread number. */
  readonly byThread: readonly number[];
  readonly copied: number;
  /** The time of each run, in the order of frames. */
  readonly runsNs: Float64Array;
}

/** What is told of one thread over a range of frames. */
export interface TraceThreadStats {
  readonly thread: number;
  readonly name: string;
  /** Of all frames' time. */
  readonly busyNs: number;
  /** By number of REASON; between frames is not part of the frames' time. */
  readonly idleNs: readonly number[];
  readonly utilisation: number;
}

/** A change from trace A to trace B, with its interval of 95%; NaN where values are too few. */
export interface TraceChange {
  readonly a: number;
  readonly b: number;
  readonly low: number;
  readonly high: number;
}

/** One system of two traces; `only` where the other does not have it. */
export interface TraceComparison {
  readonly system: string;
  readonly only: 'a' | 'b' | null;
  readonly p50: TraceChange;
  readonly p99: TraceChange;
  readonly share: TraceChange;
  /** p50 rose, and the interval does not hold 0. */
  readonly clear: boolean;
}
