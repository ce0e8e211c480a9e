// SPDX-License-Identifier: MIT
// Starts the page, and shows tests what it shows.

import { Page } from './page.ts';
import type { SkepViewer } from './shown.ts';

function surface(page: Page): SkepViewer {
  const { state, gantt } = page;
  return {
    get ready() {
      return page.openMs > 0 && page.figures !== null;
    },
    get openMs() {
      return page.openMs;
    },
    get stats() {
      return { ...gantt.stats };
    },
    get counts() {
      const trace = state.model?.trace;
      const rows = trace?.rows.map(row => row.count) ?? [];
      const zones = state.model?.zones ?? 0;
      return { frames: trace?.frames.length ?? 0, zones, rows, marks: trace?.marks.length ?? 0 };
    },
    get frame() {
      return state.current?.tick ?? -1;
    },
    get worst() {
      return page.worst.shown.map(frame => frame.tick);
    },
    get path() {
      return page.framePanel.path.shown;
    },
    get systems() {
      return page.figures?.systems ?? [];
    },
    get threads() {
      return page.figures?.threads ?? [];
    },
    get view() {
      return gantt.state.view;
    },
    get moving() {
      return state.moving;
    },
    get range() {
      return { ...state.range };
    },
    get chosen() {
      return state.chosen;
    },
    get found() {
      return state.matches?.count ?? -1;
    },
    get comparison() {
      return page.compare.rows;
    },
    get problems() {
      return page.loaded.flatMap(one => one.trace.problems);
    },
    get dark() {
      return page.theme.dark;
    },
    look(first, end) {
      const frames = state.model?.trace.frames ?? [];
      const [a, b] = [frames[first], frames[end - 1]];
      if (a && b) state.setView({ begin: a.begin, end: b.end });
    },
  };
}

const page = new Page();
Object.assign(globalThis, { skepViewer: surface(page) });
// The trace stands behind this script, and takes a while: what needs no trace is done meanwhile.
page.warm();
if (document.readyState === 'loading') {
  addEventListener('DOMContentLoaded', () => void page.start());
} else {
  void page.start();
}
