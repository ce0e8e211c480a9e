// SPDX-License-Identifier: MIT
// What the page tells of itself to tests and benches, as `window.skepViewer`. All of it may be read
// at any time.

import type {
  TraceComparison,
  TraceSegment,
  TraceSystemStats,
  TraceThreadStats,
} from '../js/src/trace/types.js';

/** What the page shows. */
export interface SkepViewer {
  /** A trace is open, its chart was seen, and the tables are filled. */
  readonly ready: boolean;
  /** Milliseconds from when the page was asked for until its first trace was seen. */
  readonly openMs: number;
  /**
   * Of the last picture of the chart: rectangles of zones, spans and idle time, labels, pixels from
   * left to right, lanes from top to bottom, and the time of the script.
   */
  readonly stats: {
    readonly rects: number;
    readonly texts: number;
    readonly columns: number;
    readonly lanes: number;
    readonly drawMs: number;
  };
  readonly counts: {
    readonly frames: number;
    readonly zones: number;
    /** Zones of each row. */
    readonly rows: readonly number[];
    readonly marks: number;
  };
  /** Tick of the selected frame, or -1. */
  readonly frame: number;
  /** Ticks of the worst frames, as they are listed. */
  readonly worst: readonly number[];
  /** The selected frame's critical path, as it is listed. */
  readonly path: readonly TraceSegment[];
  /** Figures of the range, as the tables have them. */
  readonly systems: readonly TraceSystemStats[];
  readonly threads: readonly TraceThreadStats[];
  /** The stretch of time that the chart shows. */
  readonly view: { readonly begin: number; readonly end: number };
  /** The view is on its way to where it was sent. */
  readonly moving: boolean;
  /** The frames that tables are about, from the first to before the end. */
  readonly range: { readonly first: number; readonly end: number };
  readonly chosen: { readonly thread: number; readonly zone: number } | null;
  /** How many zones were found; -1 without a search. */
  readonly found: number;
  readonly comparison: readonly TraceComparison[];
  readonly problems: readonly string[];
  readonly dark: boolean;
  /** Moves the view to frames, from the first to before the end. */
  look(first: number, end: number): void;
}
