// SPDX-License-Identifier: MIT
// ctest: timeout=300
// The page of skies, built and opened in Chromium under the policy that `skep serve` sends, over a
// world of its own: aircraft are drawn, an airport and a flight are found, and their cards open;
// one's own aircraft takes off, turns and is left. On a desktop and on a phone. Then by
// `skep serve` itself: with latency added, one's own aircraft answers at once and never jumps, the
// other page sees it, and the server goes away and comes back. The panel Frames shows the server's
// frames as they come, and the slowest of them is that of the traces which it was given. With
// SKEP_SHOTS=FOLDER it leaves pictures of itself there.

import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  openBrowser,
  openSite,
  ROOT,
  within,
  type Site,
  type TestBrowser,
  type TestPage,
} from './browser/harness.ts';
import { command } from './hash/native.ts';

const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; "
  + "object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const WAIT_MS = 60_000;
const SHOTS = process.env['SKEP_SHOTS'];

/** Waits until a function of the page gives something else than false, and returns that. */
async function until<T>(page: TestPage, what: string, look: () => T): Promise<NonNullable<T>> {
  const seen = async (): Promise<NonNullable<T>> => {
    for (;;) {
      const value = await page.page.evaluate(look);
      if (value) return value as NonNullable<T>;
      await new Promise(done => setTimeout(done, 50));
    }
  };
  return within(WAIT_MS, `the page: ${what}`, seen(), () => `; ${page.errors.join('\n')}`);
}

/** How many pixels of the traffic are drawn; a WebGL canvas can be read in its picture only. */
function pixels(page: TestPage): Promise<number> {
  return page.page.evaluate(
    () =>
      new Promise<number>(done => {
        requestAnimationFrame(() => {
          const canvas = document.querySelector<HTMLCanvasElement>('#traffic')!;
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d')!;
          copy.drawImage(canvas, 0, 0);
          const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
          let count = 0;
          for (let i = 3; i < data.length; i += 4) if (data[i]! > 60) count++;
          done(count);
        });
      }),
  );
}

/** Types into the search field and takes the first that is found. */
async function find(page: TestPage, text: string): Promise<string> {
  await page.page.focus('#search');
  await page.page.$eval('#search', field => ((field as HTMLInputElement).value = ''));
  await page.page.keyboard.type(text);
  const first = await until(
    page,
    `something like ${text}`,
    () => document.querySelector('#found li[aria-selected=true]')?.textContent,
  );
  await page.page.keyboard.press('Enter');
  return first;
}

async function shot(page: TestPage, name: string): Promise<void> {
  if (!SHOTS) return;
  await page.page.screenshot({ path: join(SHOTS, `skies_${name}.png`) as `${string}.png` });
}

/** How far, in nautical miles, each step of the own aircraft from picture to picture is from what
 * its speed says, while it turns for three seconds. */
function flight(page: TestPage): Promise<number[]> {
  return page.page.evaluate(
    () =>
      new Promise<number[]>(done => {
        const off: number[] = [];
        let was: { at: number[]; time: number } | undefined;
        const began = performance.now();
        const look = (time: number): void => {
          const at = document.documentElement.dataset['own']!.split(' ').map(Number);
          if (was) {
            const [x, y, z] = [0, 1, 2].map(i => at[i]! - was!.at[i]!) as [number, number, number];
            const flown = Math.hypot(x, y, z) * 3440.07;
            const knots = Number(document.querySelector('#hud-speed')!.textContent);
            // The world's time is 60 times as fast as ours.
            off.push(Math.abs(flown - (knots * 60 * (time - was.time)) / 3.6e6));
          }
          was = { at, time };
          if (performance.now() - began > 3000) done(off);
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }),
  );
}

/** The native server of the scene and its page. */
async function serve(
  page: string,
  port: number,
  ...more: string[]
): Promise<{ url: string; end(): Promise<void> }> {
  const args = ['serve', 'skies', '--port', String(port), '--page', page, '--entities', '4000'];
  args.push(...more);
  const child: ChildProcess = spawn(command(), args);
  let said = '';
  const listens = new Promise<string>(done => {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', chunk => {
        said += String(chunk);
        const url = /http:\S+\//.exec(said)?.[0];
        if (url) done(url);
      });
    }
  });
  const url = await within(WAIT_MS, 'skep serve', listens, () => `; ${said}`);
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGINT');
    await within(WAIT_MS, 'the end of skep serve', once(child, 'exit'), () => `; ${said}`);
  };
  return { url, end };
}

interface Taken {
  readonly tick: number;
  readonly ns: number;
  /** When it ended, in nanoseconds of the server's clock. */
  readonly at: number;
}

/** The frames of a trace file, straight from its bytes (docs/trace-format.md). */
function framesOf(file: Uint8Array): Taken[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const word = (at: number): number => Number(view.getBigUint64(at, true));
  const frames: Taken[] = [];
  let [base, perTick, unix] = [0n, 0, 0];
  for (let at = 16; at < file.length;) {
    const tag = String.fromCharCode(...file.subarray(at, at + 4));
    const [begin, bytes] = [at + 16, word(at + 8)];
    if (tag === 'INFO') {
      base = view.getBigUint64(begin, true);
      perTick = view.getFloat64(begin + 8, true);
      unix = word(begin + 16);
    }
    for (let i = begin + 16; tag === 'THRD' && i < begin + bytes; i += 24) {
      if (view.getUint8(i + 8) !== 1) continue;
      const ticks = Number(view.getBigUint64(i + 8, true) >> 8n);
      const ns = Number(view.getBigUint64(i, true) - base) * perTick;
      frames.push({ tick: word(i + 16), ns: ticks * perTick, at: unix + ns + ticks * perTick });
    }
    at = begin + Math.ceil(bytes / 8) * 8;
  }
  return frames;
}

/** What the panel Frames says to whoever asks. */
function framesPanel(page: TestPage): Promise<{ tick: number; newest: number; slow: Taken }> {
  return page.page.evaluate(() => {
    const { dataset } = document.querySelector<HTMLElement>('#frames')!;
    const number = (name: string): number => Number(dataset[name]);
    const slow = { tick: number('slowTick'), ns: number('slowNs'), at: 0 };
    return { tick: number('tick'), newest: number('newest'), slow };
  });
}

/** How many colours a chart has in its middle. */
function coloursOf(page: TestPage, chart: string): Promise<number> {
  return page.page.$eval(chart, element => {
    const canvas = element as HTMLCanvasElement;
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
}

const SIZES = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
} as const;

describe('skies', () => {
  let folder: string;
  let site: Site;
  let browser: TestBrowser;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skep_skies_'));
    execFileSync(process.execPath, [join(ROOT, 'tools/page_build.mjs'), folder]);
    site = await openSite({ isolated: true, policy: POLICY, folders: { '/': folder } });
    browser = await openBrowser('chromium');
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [size, viewport] of Object.entries(SIZES)) {
    test(size, async () => {
      await using page = await browser.open(site, '/?local&entities=4000');
      await page.page.setViewport(viewport);
      await until(page, 'aircraft', () => Number(document.documentElement.dataset['shown']) > 500);
      assert.ok((await pixels(page)) > 1500, 'hardly anything is drawn');
      await shot(page, size);

      assert.match(await find(page, 'heathrow'), /^LHR/);
      assert.match(
        await until(page, 'the card', () => document.querySelector('#details h2')?.textContent),
        /Heathrow/,
      );
      await until(page, 'flights there', () =>
        Number(document.querySelector('#details dd')!.textContent),
      );
      await shot(page, `${size}_airport`);

      // The first entities are the airports; what comes behind them flies.
      assert.match(await find(page, 'sk 600'), /^SK 0600/);
      await until(page, 'a flight', () =>
        /ft$/.test(document.querySelector('#details dl div:nth-child(2) dd')?.textContent ?? ''),
      );
      await page.page.$eval('#details-close', button => (button as HTMLElement).click());

      await page.page.$eval('#takeoff', button => (button as HTMLElement).click());
      await until(
        page,
        'the cockpit',
        () => !document.querySelector<HTMLElement>('#cockpit')!.hidden,
      );
      const course = await until(
        page,
        'a course',
        () => document.querySelector('#hud-course')!.textContent,
      );
      await page.page.keyboard.down('ArrowRight');
      await page.page.waitForFunction(
        (was: string) => document.querySelector('#hud-course')!.textContent !== was,
        { timeout: WAIT_MS },
        course,
      );
      await page.page.keyboard.up('ArrowRight');
      await until(
        page,
        'speed',
        () => Number(document.querySelector('#hud-speed')!.textContent) > 200,
      );
      await shot(page, `${size}_cockpit`);
      await page.page.keyboard.press('Escape');
      await until(
        page,
        'the ground',
        () => document.querySelector<HTMLElement>('#cockpit')!.hidden,
      );

      await page.page.keyboard.press('t');
      const tick = (): number =>
        Number(document.querySelector<HTMLElement>('#frames')!.dataset['tick']);
      await until(page, "the page's own frames", tick);
      await page.page.keyboard.press('t');

      const wide = await page.page.evaluate(
        () => document.documentElement.scrollWidth > window.innerWidth,
      );
      assert.ok(!wide, 'the page is wider than its window');
    });
  }

  test('two pages, one server that goes and comes back', async () => {
    let server = await serve(folder, 0);
    try {
      await using mine = await browser.open(site, '/icon.svg');
      await using theirs = await browser.open(site, '/icon.svg');
      for (const { page } of [theirs, mine]) {
        await page.goto(server.url);
        await page.bringToFront();
      }
      await until(mine, 'flights', () => Number(document.documentElement.dataset['shown']) > 500);
      await mine.page.$eval('#takeoff', button => (button as HTMLElement).click());
      await until(mine, 'to fly', () => 'flying' in document.documentElement.dataset);
      await mine.page.$eval('#lag', slider => {
        (slider as HTMLInputElement).value = '150';
        slider.dispatchEvent(new Event('input'));
      });
      await mine.page.keyboard.down('ArrowRight');
      await until(mine, 'height', () =>
        /^[2-9],/.test(document.querySelector('#hud-altitude')!.textContent),
      );
      const jumps = (await flight(mine)).sort((a, b) => a - b);
      await mine.page.keyboard.up('ArrowRight');
      const [middle, most] = [0.5, 0.95].map(share => jumps[Math.floor(jumps.length * share)]!);
      // A mile is a pixel or two. A machine that is busy may be late with some pictures.
      assert.ok(jumps.length > 10 && middle! < 0.1, `steps are off by ${middle} NM`);
      assert.ok(most! < 4, `a jump of ${most} NM`);
      await theirs.page.bringToFront();
      await until(
        theirs,
        "the other's aircraft",
        () => document.documentElement.dataset['others'] === '1',
      );
      await shot(theirs, 'served');

      for (const page of [mine, theirs]) page.expectError(/WebSocket|ERR_|not loaded/);
      await server.end();
      await until(
        theirs,
        'the end',
        () => document.documentElement.dataset['state'] === 'reconnecting',
      );
      await shot(theirs, 'gone');
      server = await serve(folder, Number(new URL(server.url).port));
      await until(theirs, 'to be back', () => document.documentElement.dataset['state'] === 'live');
    } finally {
      await server.end();
    }
  });

  test("the server's frames as they happen", async () => {
    const server = await serve(folder, 0, '--workers', '1', '--entities', '400');
    try {
      await using page = await browser.open(site, '/icon.svg');
      const files: Uint8Array[] = [];
      let asked = 0;
      page.page.on('request', request => {
        if (request.url().endsWith('/trace.skept')) asked++;
      });
      page.page.on('response', response => {
        if (!response.url().endsWith('/trace.skept') || response.status() !== 200) return;
        void response.buffer().then(bytes => files.push(bytes));
      });
      await page.page.setViewport({ width: 1100, height: 720 });
      // Software that draws as WebGL would leave the page little time.
      await page.page.goto(`${server.url}?canvas`);
      await until(page, 'flights', () => Number(document.documentElement.dataset['shown']) > 100);
      assert.equal(asked, 0, 'nobody looks');
      assert.ok(await page.page.$eval('#frames', panel => (panel as HTMLElement).hidden));
      await page.page.keyboard.press('t');
      await until(
        page,
        'frames',
        () => document.querySelector<HTMLElement>('#frames')!.dataset['tick'],
      );

      const first = await framesPanel(page);
      await within(
        WAIT_MS,
        'later frames',
        (async () => {
          while ((await framesPanel(page)).tick < first.newest)
            await new Promise(d => setTimeout(d, 50));
        })(),
      );
      for (const chart of ['#frames-strip', '#frames-chart', '#slow-chart']) {
        assert.ok((await coloursOf(page, chart)) > 5, `${chart} is empty`);
      }
      await shot(page, 'frames');
      const threads = await page.page.$$eval('#frames-threads li span', all =>
        all.map(name => name.textContent),
      );
      assert.deepEqual(threads, ['caller', 'worker 1']);

      // Held, nothing moves and nothing is asked for; the slowest is that of all that came.
      await page.page.click('#frames-hold');
      const held = await framesPanel(page);
      const before = asked;
      await new Promise(done => setTimeout(done, 800));
      assert.equal(asked, before);
      assert.equal((await framesPanel(page)).tick, held.tick);
      const seen = new Map<number, Taken>();
      for (const file of files) {
        for (const frame of framesOf(file)) {
          if (frame.tick <= held.newest && !seen.has(frame.tick)) seen.set(frame.tick, frame);
        }
      }
      const newest = seen.get(held.newest)!.at;
      const kept = [...seen.values()].filter(({ at }) => at > newest - 30e9);
      const slowest = kept.reduce((most, one) => (one.ns > most.ns ? one : most));
      assert.ok(kept.length > 60, `only ${kept.length} frames`);
      assert.equal(held.slow.tick, slowest.tick);
      assert.ok(Math.abs(held.slow.ns / slowest.ns - 1) < 1e-6, `${held.slow.ns} ns`);
      const said = await page.page.$eval('.slowest', element => element.textContent);
      const [, tick, length, unit] = /Frame (\d+) took ([\d.]+)\s(µs|ms|s)/.exec(said)!;
      assert.equal(Number(tick), slowest.tick);
      const ns = Number(length) * { µs: 1e3, ms: 1e6, s: 1e9 }[unit as 'µs' | 'ms' | 's'];
      assert.ok(Math.abs(ns - slowest.ns) < 0.01 * slowest.ns, said);
      assert.match(said, / took [\d.]+\s.?s of it|Nothing stands out/);

      // The viewer opens with the same trace, and on the same frame.
      const opened = new Promise<void>(done => page.page.once('popup', () => done()));
      await page.page.click('#slow-view');
      await within(WAIT_MS, 'the viewer', opened);
      const viewer = (await page.page.browser().pages()).at(-1)!;
      await viewer.waitForFunction('globalThis.skepViewer?.ready', { timeout: WAIT_MS });
      assert.equal(await viewer.evaluate('skepViewer.frame'), slowest.tick);
      await viewer.close();

      await page.page.bringToFront();
      await page.page.keyboard.press('t');
      assert.ok(await page.page.$eval('#frames', panel => (panel as HTMLElement).hidden));
    } finally {
      await server.end();
    }
  });

  test('on a canvas, where there is no WebGL', async () => {
    await using page = await browser.open(site, '/?local&entities=2000&canvas');
    await until(page, 'aircraft', () => Number(document.documentElement.dataset['shown']) > 100);
    assert.ok((await pixels(page)) > 1000, 'hardly anything is drawn');
  });
});
