// SPDX-License-Identifier: MIT
// ctest: timeout=300
// The trace viewer in Chromium and Firefox, opened from disk: what it shows equals what another
// path works out of the bytes; it draws no more rectangles than it has pixels, asks nothing of the
// network, obeys the keyboard, compares traces, and shows what can be read of damaged ones.
// SKEP_SHOTS=FOLDER leaves pictures there.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Page } from 'puppeteer-core';
import { traceHtml } from 'skep/trace';
import type { SkepViewer } from '../../viewer/shown.ts';
import { BROWSERS, openBrowser, openSite, ROOT, type Site } from './browser/harness.ts';
import { type TestBrowser } from './browser/harness.ts';
import { plainKind, plainRow, plainSystems, plainTrace } from './support/trace_figures.ts';
import { makeTrace } from './support/trace_make.ts';
import { plainChange, plainPath, rank } from './support/viewer_figures.ts';
import { KIND } from '../../js/src/trace/kinds.ts';

type Viewed = typeof globalThis & { skepViewer: SkepViewer };

const folder = mkdtempSync(join(tmpdir(), 'skep_viewer_'));
const shots = process.env['SKEP_SHOTS'];
if (shots) mkdirSync(shots, { recursive: true });
after(() => rmSync(folder, { recursive: true, force: true }));

const template = join(folder, 'template.html');
execFileSync(process.execPath, [join(ROOT, 'tools/viewer_build.mjs'), template]);

/** Writes a page with a trace in it; returns its address. */
function pageOf(name: string, bytes: Uint8Array): string {
  const file = join(folder, `${name}.html`);
  writeFileSync(file, traceHtml(bytes, readFileSync(template, 'utf8')));
  return pathToFileURL(file).href;
}

function fileOf(name: string, bytes: Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

/** A machine with much else to do takes its time. */
const WAIT_MS = 60_000;
const BUDGET = 700_000;
const made = makeTrace({
  frames: 300,
  systems: 12,
  workers: 3,
  seed: 7,
  budgetNs: BUDGET,
  slow: 0.03,
});
const bytes = made.bytes();
const plain = plainTrace(bytes);
const heavier = makeTrace({ frames: 200, systems: 12, workers: 3, seed: 7, heavier: 3 });
const names = new Map(made.systems.map(system => [system.number, system.name]));
const frames = plainKind(plain, KIND.FRAME);
const took = frames.map(({ begin, end }) => end - begin);

/** About the same: sums of other orders differ in their last digits. */
function near(actual: number, expected: number, what: string): void {
  const off = Math.abs(actual - expected);
  assert.ok(off <= 1e-9 * Math.abs(expected) + 1e-3, `${what}: ${actual}, not ${expected}`);
}

/** What the page tells of itself, by the names of its parts, once its view is at rest. */
async function shown<K extends keyof SkepViewer>(
  page: Page,
  ...keys: K[]
): Promise<Pick<SkepViewer, K>> {
  await page.waitForFunction(() => !(globalThis as Viewed).skepViewer.moving);
  return page.evaluate(wanted => {
    const { skepViewer } = globalThis as Viewed;
    return JSON.parse(
      JSON.stringify(Object.fromEntries(wanted.map(key => [key, skepViewer[key]]))),
    ) as Pick<SkepViewer, K>;
  }, keys);
}

async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => (globalThis as Viewed).skepViewer?.ready, { timeout: WAIT_MS });
}

/** Waits until something that is shown is so. */
async function until(page: Page, test: (shown: SkepViewer) => boolean): Promise<void> {
  await page.waitForFunction(`(${test.toString()})(globalThis.skepViewer)`, { timeout: WAIT_MS });
}

/** The texts of a table's rows. */
function cells(page: Page, panel: string): Promise<string[][]> {
  return page.$$eval(`${panel} tbody tr`, rows =>
    rows.map(row => Array.from(row.children, cell => (cell as HTMLElement).innerText.trim())),
  );
}

const text = (page: Page, at: string): Promise<string> =>
  page.$eval(at, found => (found as HTMLElement).innerText.replaceAll('\u00a0', ' '));

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: TestBrowser;
    let site: Site;
    before(async () => {
      [browser, site] = await Promise.all([openBrowser(name), openSite()]);
    });
    after(async () => {
      await browser?.close();
      await site?.close();
    });

    /** Opens a page from disk, uses it, and holds it to what holds for all pages. */
    async function withPage(url: string, use: (page: Page) => Promise<void>): Promise<void> {
      await using opened = await browser.open(site);
      const { page } = opened;
      if (name === 'chromium') {
        await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
      }
      await page.setViewport({ width: 1280, height: 860 });
      const requests: string[] = [];
      page.on('request', request => requests.push(request.url()));
      await page.goto(url);
      await use(page);
      const own = [url, 'data:', site.url('/')];
      const others = requests.filter(one => !own.some(known => one.startsWith(known)));
      assert.deepEqual(others, [], 'requests');
      const loaded = await page.evaluate(() =>
        performance
          .getEntriesByType('resource')
          .map(one => one.name)
          .filter(one => !/^data:/.test(one)),
      );
      assert.deepEqual(loaded, [], 'resources');
    }

    test('shows what another path works out of the bytes', async () => {
      await withPage(pageOf('sound', bytes), async page => {
        await settled(page);
        const { counts, frame, worst, path, threads } = await shown(
          page,
          ...(['counts', 'frame', 'worst', 'path', 'threads'] as const),
        );
        const rows = [0, 1, 2, 3].map(thread => plainRow(plain, thread).length);
        assert.deepEqual(counts.rows, rows);
        assert.equal(counts.zones, plain.zones.length);
        assert.equal(counts.frames, frames.length);

        const order = frames.map((_, i) => i).sort((a, b) => took[b]! - took[a]! || a - b);
        assert.deepEqual(
          worst,
          order.slice(0, 50).map(i => frames[i]!.low),
        );
        assert.equal(frame, frames[order[0]!]!.low, 'it opens on the slowest frame');

        const expected = plainPath(plain, names, made.names, order[0]!);
        assert.equal(path.length, expected.length);
        path.forEach((segment, i) => {
          const { thread, what } = segment;
          assert.deepEqual([thread, what], [expected[i]!.thread, expected[i]!.what], `piece ${i}`);
          near(segment.begin, expected[i]!.begin, `piece ${i} begins`);
          near(segment.end, expected[i]!.end, `piece ${i} ends`);
        });
        const all = took.reduce((sum, one) => sum + one, 0);
        near(
          path.reduce((sum, one) => sum + one.end - one.begin, 0),
          took[order[0]!]!,
          'the path',
        );

        for (const { thread, utilisation } of threads) {
          if (thread === 0) continue;
          near(utilisation * all, busyInFrames(thread), `worker ${thread} busy`);
        }
        await systemsAre(page, 0, frames.length);
      });
    });

    /** Time of a worker's zones within frames; blocks lie beside one another, zones of the host in
     * them. */
    function busyInFrames(thread: number): number {
      const kinds: readonly number[] = [KIND.BLOCK, KIND.LOST, KIND.HOST];
      let busy = 0;
      let free = -Infinity;
      for (const { kind, begin, end } of plainRow(plain, thread)) {
        if (!kinds.includes(kind)) continue;
        for (const frame of frames) {
          const [from, to] = [Math.max(begin, free, frame.begin), Math.min(end, frame.end)];
          if (to > from) busy += to - from;
        }
        free = Math.max(free, end);
      }
      return busy;
    }

    /** Holds the figures of a range of frames, and the table that shows them, to the bytes. */
    async function systemsAre(page: Page, first: number, end: number): Promise<void> {
      const { systems } = await shown(page, 'systems');
      const wanted = [...plainSystems(plain, first, end)].sort(
        ([a, x], [b, y]) => y.total - x.total || a - b,
      );
      assert.deepEqual(
        systems.map(one => one.number),
        wanted.map(([number]) => number),
      );
      const table = await cells(page, '#panel-systems');
      assert.equal(table.length, wanted.length);
      wanted.forEach(([number, one], i) => {
        const found = systems[i]!;
        const rising = [...one.runs.values()].sort((a, b) => a - b);
        const what = names.get(number)!;
        assert.deepEqual(
          [found.system, found.runs, found.blocks],
          [what, rising.length, one.blocks],
        );
        near(found.totalNs, one.total, `${what}: total`);
        near(found.p50Ns, rank(rising, 50), `${what}: p50`);
        near(found.p95Ns, rank(rising, 95), `${what}: p95`);
        near(found.p99Ns, rank(rising, 99), `${what}: p99`);
        near(found.maxNs, rising.at(-1)!, `${what}: max`);
        near(found.longest.ns, one.longest, `${what}: longest`);
        one.byThread.forEach((ns, thread) =>
          near(found.byThread[thread] ?? 0, ns, `${what} there`),
        );
        const [named, runs, blocks] = table[i]!;
        assert.ok(named!.startsWith(what), named);
        const digits = (n: number): string => n.toLocaleString('en-US');
        assert.deepEqual([runs, blocks], [digits(rising.length), digits(one.blocks)]);
      });
      // Columns of times are in the unit that their head names.
      const heads = await page.$$eval('#panel-systems thead th', all =>
        all.map(head => (head as HTMLElement).innerText.replace(/[↓↑]/, '').trim()),
      );
      const unit = { s: 1e9, ms: 1e6, µs: 1e3, ns: 1 }[/p50\s(\S+)/.exec(heads[5]!)![1]!]!;
      wanted.forEach(([, one], i) => {
        const p50 =
          rank(
            [...one.runs.values()].sort((a, b) => a - b),
            50,
          ) / unit;
        const said = Number(table[i]![5]!.replaceAll(',', '').replace('<', ''));
        assert.ok(Math.abs(said - p50) <= 0.051, `${table[i]![5]} for ${p50}`);
      });
    }

    test('says why the slowest frame was slow, and which system to split', async () => {
      await withPage(pageOf('sound', bytes), async page => {
        await settled(page);
        const slowest = Math.max(...took);
        const said = await text(page, '#verdict');
        const { low: tick } = frames[took.indexOf(slowest)]!;
        assert.match(
          said,
          new RegExp(`Frame ${tick} took [\\d.]+ [mµ]s, [\\d.]+ [mµ]s over its budget\\.`),
        );
        const shares = new Map<string, number>();
        for (const { what, begin, end } of plainPath(
          plain,
          names,
          made.names,
          took.indexOf(slowest),
        )) {
          shares.set(what, (shares.get(what) ?? 0) + end - begin);
        }
        const [top] = [...shares].sort((a, b) => b[1] - a[1])[0]!;
        assert.ok(said.includes(`${top} took`), `${top} in: ${said}`);
        assert.match(said, /over 4 threads the frame would be [\d.]+ [mµ]s shorter\.|Without/);
        const first = (await cells(page, '.frame-panel .table:first-child'))[0]!;
        assert.match(first[1]!, /^−/, 'the first system saves something when it is split');
        assert.equal(
          (await text(page, '#live')).split('.')[0],
          (await text(page, '#verdict h2')).split('.')[0],
        );
      });
    });

    test('no more rectangles than pixels, from afar and from near', async () => {
      await withPage(pageOf('sound', bytes), async page => {
        await settled(page);
        for (const count of [frames.length, 150, 40, 6, 1]) {
          await page.evaluate(n => (globalThis as Viewed).skepViewer.look(0, n), count);
          await page.evaluate(
            () => new Promise(done => requestAnimationFrame(() => setTimeout(done))),
          );
          const { stats, view } = await shown(page, 'stats', 'view');
          near(view.begin, frames[0]!.begin, 'the view begins');
          assert.ok(stats.columns > 300 && stats.lanes >= 6, JSON.stringify(stats));
          const most = stats.columns * stats.lanes;
          assert.ok(stats.rects > 20 && stats.rects <= most, `${count}: ${JSON.stringify(stats)}`);
        }
      });
    });

    test('the keyboard moves, finds, marks and lets go', async () => {
      await withPage(pageOf('sound', bytes), async page => {
        await settled(page);
        const now = () => shown(page, 'view', 'range', 'chosen', 'found', 'frame', 'path');
        const key = (...keys: string[]): Promise<void> =>
          keys.reduce(
            (last, one) => last.then(() => page.keyboard.press(one as 'w')),
            Promise.resolve(),
          );
        const at = await now();
        await key('d');
        const panned = await now();
        assert.ok(panned.view.begin > at.view.begin && panned.view.end > at.view.end, 'D');
        await key('a', 'w');
        const near2 = await now();
        const span = ({ view }: { view: SkepViewer['view'] }): number => view.end - view.begin;
        assert.ok(span(near2) < span(at), 'W');
        await key('s', 's');
        assert.ok(span(await now()) > span(near2), 'S');
        await key('f');
        const fits = await now();
        assert.ok(Math.abs(fits.view.begin - at.view.begin) < 1, 'F fits the frame');

        const pieces = at.path.filter(one => one.zone >= 0);
        const pieceAt = (i: number) => ({ thread: pieces[i]!.thread, zone: pieces[i]!.zone });
        await key(']', ']', ']');
        assert.deepEqual((await now()).chosen, pieceAt(2), ']');
        await key('[');
        assert.deepEqual((await now()).chosen, pieceAt(1), '[');
        await key('m');
        const marked = (await now()).range;
        assert.equal(marked.end - marked.first, 1, 'M marks the frame of the zone');
        await until(page, one => one.systems.every(system => system.runs === 1));
        await systemsAre(page, marked.first, marked.end);

        await key('Escape', 'Escape', '.');
        assert.deepEqual((await now()).range, { first: 0, end: frames.length }, 'Escape');
        const next = await now();
        assert.equal(next.frame, at.frame + 1, 'the next frame');
        await key(',');
        assert.equal((await now()).frame, at.frame, 'the frame before');

        const wanted = made.systems[0]!.name;
        const own = plain.zones.filter(
          ({ kind, low }) =>
            ([KIND.BLOCK, KIND.LOST, KIND.RUN, KIND.SYSTEM] as number[]).includes(kind)
            && names.get(low & 65535)!.includes(wanted),
        );
        await key('/');
        await page.keyboard.type(wanted.toUpperCase());
        await key('Enter');
        assert.equal((await now()).found, own.length);
        const first = (await now()).chosen;
        assert.match(
          await text(page, '#found'),
          new RegExp(`^[\\d,]+ of ${own.length.toLocaleString('en-US')}$`),
        );
        await key('Enter');
        assert.notDeepEqual((await now()).chosen, first);
        await page.keyboard.down('Shift');
        await key('Enter');
        await page.keyboard.up('Shift');
        assert.deepEqual((await now()).chosen, first);
        await key('Escape');
        assert.equal((await now()).found, -1);

        await key('?');
        assert.equal(await page.$eval('#help', one => (one as HTMLDialogElement).open), true);
        await key('Escape');
        assert.equal(await page.$eval('#help', one => (one as HTMLDialogElement).open), false);
        await page.focus('#gantt');
        await key('ArrowUp');
        const { chosen } = await now();
        assert.ok(chosen, 'arrows choose');
        assert.match(await text(page, '.zone-panel h2'), /\w/);
      });
    });

    test('tables can be sorted and say what they are', async () => {
      await withPage(pageOf('sound', bytes), async page => {
        await settled(page);
        await page.click('#panel-systems thead th:nth-child(1) button');
        const sorted = (await cells(page, '#panel-systems')).map(row => row[0]!);
        assert.deepEqual(
          sorted,
          [...sorted].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })),
        );
        const head = await page.$eval('#panel-systems thead th', one =>
          one.getAttribute('aria-sort'),
        );
        assert.equal(head, 'ascending');
        const wrong = await page.$$eval('table', tables =>
          tables
            .filter(
              table =>
                !table.caption?.textContent
                || Array.from(table.querySelectorAll('thead th')).some(
                  one => one.getAttribute('scope') !== 'col',
                )
                || Array.from(table.querySelectorAll('tbody th')).some(
                  one => one.getAttribute('scope') !== 'row',
                ),
            )
            .map(table => table.caption?.textContent ?? 'no caption'),
        );
        assert.deepEqual(wrong, []);
        const labels = await page.$$eval('canvas', all =>
          all.map(one => [one.getAttribute('role'), one.getAttribute('aria-label')?.length ?? 0]),
        );
        assert.ok(
          labels.length === 2
            && labels.every(([role, size]) => role === 'img' && Number(size) > 40),
        );
        await page.click('#tab-worst');
        await page.click('#panel-worst tbody tr:nth-child(3) button');
        const { frame, worst } = await shown(page, 'frame', 'worst');
        assert.equal(frame, worst[2]);
      });
    });

    test('two traces are compared', async () => {
      const other = fileOf('heavier.skept', heavier.bytes());
      await withPage(pageOf('sound', bytes), async page => {
        await settled(page);
        await page.evaluate(() => {
          // The picker itself cannot be shown to a test.
          HTMLInputElement.prototype.click = () => {};
        });
        await page.click('#compare-with');
        await (await page.$('input#file'))!.uploadFile(other);
        await until(page, one => one.comparison.length > 0);
        const { comparison } = await shown(page, 'comparison');
        const b = plainSystems(plainTrace(heavier.bytes()), 0, 200);
        const a = plainSystems(plain, 0, frames.length);
        assert.equal(comparison.length, new Set([...a.keys(), ...b.keys()]).size);
        for (const { system, p50, p99, clear } of comparison) {
          const number = made.systems.find(one => one.name === system)!.number;
          const runs = [a, b].map(of => [...of.get(number)!.runs.values()].sort((x, y) => x - y));
          for (const [change, p] of [
            [p50, 50],
            [p99, 99],
          ] as const) {
            const wanted = plainChange(runs[0]!, runs[1]!, p);
            near(change.a, wanted.a, `${system} p${p} in A`);
            near(change.b, wanted.b, `${system} p${p} in B`);
            near(change.low, wanted.low, `${system} p${p} low`);
            near(change.high, wanted.high, `${system} p${p} high`);
          }
          assert.equal(clear, p50.low > 0);
        }
        assert.equal(comparison[0]!.system, made.systems[0]!.name, 'the heavier one is the worst');
        const rows = await cells(page, '#compare');
        assert.deepEqual(
          rows.map(row => row[0]!.split('\n')[0]!.replace(/\s*(clearly|only).*/, '')),
          comparison.map(one => one.system),
        );
        assert.match(
          await text(page, '#compare h2'),
          new RegExp(`^${made.systems[0]!.name}.* clearly slower in B`),
        );
        assert.equal((await page.$$('#compare svg.plot')).length, 2 * comparison.length);
        await picture(page, 'compare');
        await page.click('#compare .sides button');
        await until(page, one => one.comparison.length > 0 && one.counts.frames === 200);
        assert.match(
          await text(page, '#compare h2'),
          new RegExp(`${made.systems[0]!.name}.* clearly faster`),
        );
        await page.click('#view-timeline');
        assert.equal(await page.$eval('#main', one => (one as HTMLElement).hidden), false);
      });
    });

    test('what can be read of a damaged trace is shown, with a notice', async () => {
      const cut = bytes.slice(0, Math.floor(bytes.length * 0.4));
      await withPage(pageOf('cut', cut), async page => {
        await settled(page);
        const { counts, problems } = await shown(page, 'counts', 'problems');
        assert.ok(counts.frames > 50 && counts.frames <= frames.length, `${counts.frames} frames`);
        assert.ok(problems.length > 0);
        const notice = await text(page, '#problems');
        assert.ok(notice.includes('damaged') && notice.includes(problems[0]!), notice);
        await picture(page, 'damaged');
      });
      const flipped = bytes.slice();
      flipped[bytes.length - 200]! ^= 4;
      await withPage(pageOf('flipped', flipped), async page => {
        await settled(page);
        assert.match(await text(page, '#problems'), /damaged/);
      });
      await withPage(
        pageOf('none', Buffer.from('no trace, but long enough to be something else'.repeat(4))),
        async page => {
          await page.waitForSelector('#problems:not([hidden])');
          assert.match(await text(page, '#problems'), /holds no trace/);
          assert.equal(await page.$eval('#empty', one => (one as HTMLElement).hidden), false);
        },
      );
    });

    test('empty, it takes a file that is dropped, and a second one', async () => {
      await withPage(pathToFileURL(template).href, async page => {
        await page.waitForSelector('#empty');
        await picture(page, 'empty');
        const drop = (file: string, of: Uint8Array): Promise<void> =>
          page.evaluate(
            (title, base64) => {
              const content = Uint8Array.from(atob(base64), one => one.charCodeAt(0));
              const dataTransfer = new DataTransfer();
              dataTransfer.items.add(new File([content], title));
              document.body.dispatchEvent(
                new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }),
              );
            },
            file,
            Buffer.from(of).toString('base64'),
          );
        await drop('notes.txt', Buffer.from('no trace'));
        await page.waitForSelector('#problems:not([hidden])');
        assert.match(await text(page, '#problems'), /notes\.txt holds no trace/);
        await drop('sound.skept', bytes);
        await settled(page);
        assert.equal((await shown(page, 'counts')).counts.zones, plain.zones.length);
        assert.equal(await page.$eval('#problems', one => (one as HTMLElement).hidden), true);
        await drop('heavier.skept', heavier.bytes());
        await until(page, one => one.comparison.length > 0);
      });
    });

    test('pointers and the wheel pan, zoom, choose and mark', async () => {
      await withPage(pageOf('sound', bytes), async page => {
        await settled(page);
        const now = () => shown(page, 'view', 'range', 'chosen');
        const box = await page.$eval('#gantt-canvas', one => {
          const { x, y, width, height } = one.getBoundingClientRect();
          return { x, y, width, height };
        });
        const at = await now();
        await page.mouse.move(box.x + 500, box.y + 120);
        await page.mouse.down();
        await page.mouse.move(box.x + 400, box.y + 122, { steps: 3 });
        await page.mouse.up();
        const dragged = await now();
        assert.ok(dragged.view.begin > at.view.begin, 'dragging pans');
        await page.keyboard.down('Control');
        await page.mouse.wheel({ deltaY: -200 });
        await page.keyboard.up('Control');
        const zoomed = await now();
        const span = ({ view }: { view: SkepViewer['view'] }): number => view.end - view.begin;
        assert.ok(span(zoomed) < span(dragged) * 0.9, 'Ctrl and the wheel zoom');
        await page.evaluate(() => (globalThis as Viewed).skepViewer.look(20, 30));
        await page.mouse.move(box.x + box.width * 0.3, box.y + 10);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * 0.7, box.y + 10, { steps: 4 });
        await page.mouse.up();
        const { range } = await now();
        assert.ok(
          range.first >= 20 && range.end <= 30 && range.end - range.first >= 2,
          JSON.stringify(range),
        );
        await page.waitForFunction(() => !document.querySelector('#tables[data-busy]'));
        await systemsAre(page, range.first, range.end);
        const { worst } = await shown(page, 'worst');
        const marked = frames.slice(range.first, range.end).map(one => one.low);
        assert.deepEqual(
          [...worst].sort(),
          marked.sort(),
          'the worst frames are those in the range',
        );
        await page.click('#range-clear');
        assert.deepEqual((await now()).range, { first: 0, end: frames.length });
      });
    });

    test('two fingers pinch, one pans', { skip: name === 'firefox' }, async () => {
      await withPage(pageOf('sound', bytes), async page => {
        await page.setViewport({ width: 390, height: 844, hasTouch: true, isMobile: true });
        await settled(page);
        await page.$eval('#gantt-canvas', one => one.scrollIntoView());
        const box = await page.$eval('#gantt-canvas', one => {
          const { x, y } = one.getBoundingClientRect();
          return { x, y };
        });
        const span = ({ view }: Pick<SkepViewer, 'view'>): number => view.end - view.begin;
        const at = await shown(page, 'view');
        const y = box.y + 120;
        const one = await page.touchscreen.touchStart(box.x + 180, y);
        const two = await page.touchscreen.touchStart(box.x + 220, y);
        for (const way of [20, 40, 60]) {
          await one.move(box.x + 180 - way, y);
          await two.move(box.x + 220 + way, y);
        }
        await one.end();
        await two.end();
        const pinched = await shown(page, 'view');
        assert.ok(span(pinched) < span(at) / 2, `${span(at)} to ${span(pinched)}`);
        const finger = await page.touchscreen.touchStart(box.x + 300, y);
        for (const way of [30, 60, 90]) await finger.move(box.x + 300 - way, y);
        await finger.end();
        const panned = await shown(page, 'view');
        assert.ok(panned.view.begin > pinched.view.begin, 'a finger pans');
        assert.ok(Math.abs(span(panned) - span(pinched)) < 1, 'and does not zoom');
      });
    });

    test('a chart that was resized looks like one that was not', async () => {
      const url = pageOf('sound', bytes);
      const look = (page: Page): Promise<string[]> =>
        page.evaluate(async () => {
          const { skepViewer } = globalThis as Viewed;
          skepViewer.look(10, 40);
          await new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)));
          return Array.from(document.querySelectorAll('canvas'), one => one.toDataURL());
        });
      const pictures: string[][] = [];
      for (const widths of [[1440], [1200, 390, 1440]]) {
        await withPage(url, async page => {
          await page.setViewport({ width: widths[0]!, height: 900 });
          await page.reload();
          await settled(page);
          for (const width of widths) {
            await page.setViewport({ width, height: 900 });
            await look(page);
          }
          pictures.push(await look(page));
        });
      }
      assert.ok(pictures[0]!.every(one => one.length > 10_000));
      assert.ok(
        pictures[0]!.every((one, i) => one === pictures[1]![i]),
        'both look alike',
      );
    });

    test('fits a phone, in both themes', async () => {
      await withPage(pageOf('sound', bytes), async page => {
        for (const value of ['light', 'dark']) {
          await page.setViewport({ width: 390, height: 844 });
          await settled(page);
          await turn(page, value);
          const wide = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          assert.equal(wide, 0, 'nothing is wider than the window');
          await picture(page, `phone_${value}`, true);
          await page.setViewport({ width: 1440, height: 900 });
          await picture(page, `desktop_${value}`);
        }
        await page.click('#theme');
        assert.equal((await shown(page, 'dark')).dark, false, 'the button turns the theme');
      });
    });

    /** Gives the page a theme: as the system's, where the browser can be told that. */
    async function turn(page: Page, value: string): Promise<void> {
      if (name === 'chromium') {
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
      } else if ((await shown(page, 'dark')).dark !== (value === 'dark')) {
        await page.click('#theme');
      }
      await until(page, value === 'dark' ? one => one.dark : one => !one.dark);
    }

    async function picture(page: Page, what: string, fullPage = false): Promise<void> {
      if (!shots) return;
      await new Promise(done => setTimeout(done, 300));
      await page.screenshot({ path: join(shots, `viewer_${name}_${what}.png`), fullPage });
    }

    test('pictures of many systems', { skip: !shots }, async () => {
      const many = makeTrace({ frames: 200, systems: 200, workers: 3, seed: 5, budgetNs: 8e6 });
      const few = makeTrace({ frames: 400, systems: 3, workers: 2, seed: 3, budgetNs: 300_000 });
      for (const [what, of] of [
        ['200', many],
        ['3', few],
      ] as const) {
        await withPage(pageOf(`many_${what}`, of.bytes()), async page => {
          await settled(page);
          for (const value of ['light', 'dark']) {
            await turn(page, value);
            await page.setViewport({ width: 1440, height: 900 });
            await picture(page, `${what}_systems_${value}`);
            await page.setViewport({ width: 390, height: 844 });
            await picture(page, `${what}_systems_phone_${value}`, true);
          }
        });
      }
    });
  });
}
