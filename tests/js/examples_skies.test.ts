// SPDX-License-Identifier: MIT
// ctest: timeout=300
// The page of skies, built and opened in Chromium under the policy that `skep serve` sends, over a
// world of its own: aircraft are drawn, an airport and a flight are found, and their cards open;
// one's own aircraft takes off, turns and is left. On a desktop and on a phone. Then by
// `skep serve` itself: with latency added, one's own aircraft answers at once and never jumps, the
// other page sees it, and the server goes away and comes back. With SKEP_SHOTS=FOLDER it leaves
// pictures of itself there.

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
async function serve(page: string, port: number): Promise<{ url: string; end(): Promise<void> }> {
  const args = ['serve', 'skies', '--port', String(port), '--page', page, '--entities', '4000'];
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

  test('on a canvas, where there is no WebGL', async () => {
    await using page = await browser.open(site, '/?local&entities=2000&canvas');
    await until(page, 'aircraft', () => Number(document.documentElement.dataset['shown']) > 500);
    assert.ok((await pixels(page)) > 1000, 'hardly anything is drawn');
  });
});
