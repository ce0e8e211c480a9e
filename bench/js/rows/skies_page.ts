// SPDX-License-Identifier: MIT
// What the page of skies takes of its main thread, from outside: `skep serve skies` with 20,000
// flights, the built page in Chromium, all of the world in its window. Chromium itself says how
// long the tasks of the page's main thread took. First while the page draws; then while it is given
// no more pictures, so that states are all that there is to do. So it is known what a state costs,
// with all its messages, and what a picture, and the bar is held to a frame that has both; at 60
// pictures and 20 states a second that is one in three. An empty page that asks for pictures is
// what no page can be below.
//
// CPU time, since the machine that draws without a GPU has little left for the page: on the wall
// most is waiting for others.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession, Page } from 'puppeteer-core';
import { openBrowser, openSite, ROOT, within } from '../../../tests/js/browser/harness.ts';
import { command } from '../../../tests/js/hash/native.ts';
import { median } from '../measure.ts';
import type { Fact, FactValue } from '../row.ts';

const FLIGHTS = 20_000;
/** All of the map that the page shows is in a window of this size. */
const WINDOW = { width: 640, height: 600 };
/** Frames of the server from state to state. */
const EVERY = 3;
const WAIT_MS = 60_000;

/** How often and how long is looked. */
interface Plan {
  readonly flights: number;
  readonly warmMs: number;
  readonly windows: number;
  readonly windowMs: number;
}
const FULL: Plan = { flights: FLIGHTS, warmMs: 8000, windows: 7, windowMs: 2000 };
const QUICK: Plan = { flights: 2000, warmMs: 0, windows: 1, windowMs: 200 };

/** The command as a benchmark wants it: optimised, where such a build is there. */
function fastCommand(): string {
  if (process.env['SKEP_BIN']) return process.env['SKEP_BIN'];
  const builds = ['native', 'release'].map(build => join(ROOT, 'build', build, 'skep'));
  return builds.find(path => existsSync(path)) ?? command();
}

/** `skep serve skies` with a page. */
async function serve(page: string, flights: number): Promise<{ url: string; end(): void }> {
  const args = ['serve', 'skies', '--port', '0', '--page', page];
  args.push('--entities', String(flights), '--every', String(EVERY));
  const child = spawn(fastCommand(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const listens = new Promise<string>((done, failed) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        said += String(chunk);
        const url = /http:\S+\//.exec(said)?.[0];
        if (url) done(url);
      });
    }
    child.on('error', failed);
    child.on('exit', code => failed(new Error(`skep serve ended with ${code}: ${said}`)));
  });
  try {
    const url = await within(WAIT_MS, 'skep serve', listens, () => `: ${said}`);
    return { url, end: () => void child.kill('SIGINT') };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

interface Reading {
  tasks: number;
  script: number;
}

/** What Chromium says of a page's main thread, in seconds of its CPU time. */
class Meter {
  readonly #session: CDPSession;

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  static async open(page: Page): Promise<Meter> {
    const session = await page.createCDPSession();
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    return new Meter(session);
  }

  async read(): Promise<Reading> {
    const { metrics } = await this.#session.send('Performance.getMetrics');
    const value = (name: string): number => metrics.find(m => m.name === name)!.value;
    return { tasks: value('TaskDuration'), script: value('ScriptDuration') };
  }
}

/** Counts a page's pictures from now on. */
async function countPictures(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const count = (): void => {
      const all = globalThis as unknown as { pictures?: number };
      all.pictures = (all.pictures ?? -1) + 1;
      requestAnimationFrame(count);
    };
    count();
  });
  return () => page.evaluate(() => (globalThis as unknown as { pictures: number }).pictures);
}

/** Lets a page draw no more. */
async function stopPictures(page: Page): Promise<void> {
  await page.evaluate(() => {
    globalThis.requestAnimationFrame = () => 0;
  });
}

/** The server's frames so far. */
async function serverFrames(url: string): Promise<number> {
  const text = await (await fetch(new URL('metrics', url))).text();
  return Number(/^skep_frames_total (.+)$/m.exec(text)![1]);
}

const rest = (ms: number): Promise<void> => new Promise(done => setTimeout(done, ms));

/** What a window of time had, in milliseconds. */
interface Seen {
  readonly cpu: number;
  readonly script: number;
  readonly count: number;
}

/** Looks at the main thread for some windows, and counts something in them. */
async function look(page: Page, plan: Plan, counts: () => Promise<number>): Promise<Seen[]> {
  const meter = await Meter.open(page);
  const seen: Seen[] = [];
  for (let i = 0; i < plan.windows; i++) {
    const [cpu, count] = [await meter.read(), await counts()];
    await rest(plan.windowMs);
    const [cpuNow, countNow] = [await meter.read(), await counts()];
    seen.push({
      cpu: 1000 * (cpuNow.tasks - cpu.tasks),
      script: 1000 * (cpuNow.script - cpu.script),
      count: Math.max(countNow - count, 1),
    });
  }
  return seen;
}

/** Waits until everybody is shown. */
async function everybody(page: Page, plan: Plan): Promise<void> {
  const wanted = plan.flights * 0.99;
  const shown = (): Promise<number> =>
    page.evaluate(() => Number(document.documentElement.dataset['shown'] ?? 0));
  const all = async (): Promise<void> => {
    while ((await shown()) < wanted) await rest(100);
  };
  await within(WAIT_MS, 'the page shows all flights', all());
}

async function measure(quick = false): Promise<FactValue[]> {
  const plan = quick ? QUICK : FULL;
  const folder = await mkdtemp(join(tmpdir(), 'skep_bench_page_'));
  await using done = new AsyncDisposableStack();
  done.defer(() => rm(folder, { recursive: true, force: true }));
  execFileSync(process.execPath, [join(ROOT, 'tools/page_build.mjs'), folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const server = await serve(folder, plan.flights);
  done.defer(() => server.end());
  const site = await openSite({ isolated: true });
  done.defer(() => site.close());
  const browser = await openBrowser('chromium');
  done.defer(() => browser.close());

  const { page } = await browser.open(site);
  await page.setViewport(WINDOW);
  const empty = await look(page, plan, await countPictures(page));
  await page.goto(server.url);
  await everybody(page, plan);
  await rest(plan.warmMs);
  const pictures = await countPictures(page);
  const states = async (): Promise<number> => (await serverFrames(server.url)) / EVERY;
  const began = { states: await states(), at: performance.now() };
  const drawing = await look(page, plan, pictures);
  const rate = ((await states()) - began.states) / (performance.now() - began.at);
  await everybody(page, plan);
  await stopPictures(page);
  const decoding = await look(page, plan, states);

  const each = (all: readonly Seen[], of: 'cpu' | 'script'): number[] =>
    all.map(one => one[of] / one.count);
  const state = each(decoding, 'cpu');
  const stateScript = median(each(decoding, 'script'));
  const perState = median(state);
  // The windows with pictures had states in them.
  const perPicture = (of: 'cpu' | 'script', stateMs: number): number[] =>
    drawing.map(one => Math.max(one[of] - stateMs * rate * plan.windowMs, 0) / one.count);
  const picture = perPicture('cpu', perState);
  const script = perPicture('script', stateScript);
  const value = (name: string, role: FactValue['role'], samples: number[]): FactValue => ({
    name,
    role,
    value: median(samples),
    samples,
  });
  return [
    value('empty page', 'limit', each(empty, 'cpu')),
    value(
      'a state and a picture',
      'ours',
      picture.map((ms, i) => ms + state[i]!),
    ),
    value('a state', 'ours', state),
    value('a picture', 'ours', picture),
    value(
      'JavaScript of both',
      'ours',
      script.map(ms => ms + stateScript),
    ),
  ];
}

const fact: Fact = {
  name: 'skies-page',
  title: "CPU time of the page's main thread a frame, 20,000 flights decoded and drawn",
  unit: 'ms',
  measure,
  bars: [{ of: 'a state and a picture', value: 8 }],
};
export default fact;
