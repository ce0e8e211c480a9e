// SPDX-License-Identifier: MIT
// What the trace viewer takes for a trace of a million zones, from outside: the built page with the
// trace in it, opened from disk in Chromium. How long until its chart is seen, on the wall, from
// the moment at which the page is asked for. And what a picture takes of the page's main thread
// while the chart is panned: over the whole trace, where every pixel sums up hundreds of zones, and
// over a hundred frames, where zones, idle time and labels are drawn one by one. That is CPU time,
// since browsers draw no more often than their screen.

import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CDPSession, Page } from 'puppeteer-core';
import { traceHtml } from 'skep/trace';
import { openBrowser, openSite, ROOT } from '../../../tests/js/browser/harness.ts';
import { makeTrace } from '../../../tests/js/support/trace_make.ts';
import type { SkepViewer } from '../../../viewer/shown.ts';
import { median } from '../measure.ts';
import type { Fact, FactValue } from '../row.ts';

const ZONES = 1_000_000;
const OPEN_MS = 1000;
const PICTURE_MS = 16;
const WINDOW = { width: 1440, height: 900 };

type Viewed = typeof globalThis & { skepViewer: SkepViewer };

/** A page with a trace of so many zones in it, open in a browser. */
async function withPage<T>(
  zones: number,
  use: (page: Page, url: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'skep_bench_viewer_'));
  await using done = new AsyncDisposableStack();
  done.defer(() => rm(folder, { recursive: true, force: true }));
  const template = join(folder, 'template.html');
  execFileSync(process.execPath, [join(ROOT, 'tools/viewer_build.mjs'), template]);
  const file = join(folder, 'trace.html');
  const bytes = makeTrace({ zones }).bytes();
  await writeFile(file, traceHtml(bytes, await readFile(template, 'utf8')));
  const site = await openSite();
  done.defer(() => site.close());
  const browser = await openBrowser('chromium');
  done.defer(() => browser.close());
  const { page } = await browser.open(site);
  await page.setViewport(WINDOW);
  return await use(page, pathToFileURL(file).href);
}

async function open(page: Page, url: string): Promise<number> {
  await page.goto(url);
  await page.waitForFunction(() => (globalThis as Viewed).skepViewer?.ready);
  return page.evaluate(() => (globalThis as Viewed).skepViewer.openMs);
}

async function opens(quick: boolean): Promise<FactValue[]> {
  return withPage(quick ? 10_000 : ZONES, async (page, url) => {
    const samples: number[] = [];
    for (let i = 0; i < (quick ? 1 : 7); i++) samples.push(await open(page, url));
    const limit = samples.map(() => OPEN_MS);
    return [
      { name: 'one second', role: 'limit', value: OPEN_MS, samples: limit },
      { name: 'until it is seen', role: 'ours', value: median(samples), samples },
    ];
  });
}

/** CPU milliseconds of the main thread so far. */
async function cpuMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return 1000 * metrics.find(one => one.name === 'TaskDuration')!.value;
}

/** Pans for so many pictures, back and forth; milliseconds a picture. */
async function pan(page: Page, session: CDPSession, pictures: number): Promise<number> {
  const before = await cpuMs(session);
  await page.evaluate(async count => {
    const canvas = document.getElementById('gantt-canvas')!;
    for (let i = 0; i < count; i++) {
      const deltaX = i % 40 < 20 ? 24 : -24;
      canvas.dispatchEvent(new WheelEvent('wheel', { deltaX, cancelable: true }));
      await new Promise(requestAnimationFrame);
    }
  }, pictures);
  return ((await cpuMs(session)) - before) / pictures;
}

/** Shows so much of the trace, from its beginning on: all where `frames` is 0. */
async function look(page: Page, frames: number): Promise<void> {
  await page.evaluate(count => {
    const { skepViewer: shown } = globalThis as Viewed;
    shown.look(0, count || shown.counts.frames);
  }, frames);
}

async function pans(quick: boolean): Promise<FactValue[]> {
  return withPage(quick ? 10_000 : ZONES, async (page, url) => {
    await open(page, url);
    const session = await page.createCDPSession();
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const rounds = quick ? 1 : 7;
    const limit = Array<number>(rounds).fill(PICTURE_MS);
    const values: FactValue[] = [
      { name: '16 ms', role: 'limit', value: PICTURE_MS, samples: limit },
    ];
    for (const [name, frames] of [
      ['the whole trace', 0],
      ['1,000 frames', 1000],
      ['100 frames', 100],
      ['one frame', 1],
    ] as const) {
      await look(page, frames);
      await pan(page, session, quick ? 4 : 60);
      const samples: number[] = [];
      for (let i = 0; i < rounds; i++) samples.push(await pan(page, session, quick ? 4 : 60));
      values.push({ name, role: 'ours', value: median(samples), samples });
    }
    return values;
  });
}

/** How long a trace of a million zones takes to be seen. */
export const viewerOpen: Fact = {
  name: 'viewer-open',
  title: 'a trace of 1,000,000 zones, from asking for the page to seeing its chart',
  unit: 'ms',
  measure: opens,
  bars: [{ of: 'until it is seen', value: OPEN_MS }],
};

/** What a picture takes while that trace is panned. */
export const viewerPan: Fact = {
  name: 'viewer-pan',
  title: "a picture while 1,000,000 zones are panned, CPU time of the page's main thread",
  unit: 'ms',
  measure: pans,
  bars: ['the whole trace', '1,000 frames', '100 frames', 'one frame'].map(of => ({
    of,
    value: PICTURE_MS,
  })),
};
