// SPDX-License-Identifier: MIT
// ctest: timeout=300
// speedscope, as it is published, in a browser: opens our JSON, and what it saves again has exactly
// our zones, each with its name, its depth, its beginning and its end.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readTrace, traceJson } from 'skep/trace';
import {
  openBrowser,
  openSite,
  within,
  type TestBrowser,
  type TestPage,
} from './browser/harness.ts';
import { makeTrace, type TraceShape } from './support/trace_make.ts';

/** speedscope's own format: a profile a thread, in which frames open and close. */
interface Saved {
  profiles: {
    type: string;
    name: string;
    events: { type: 'O' | 'C'; at: number; frame: number }[];
  }[];
  shared: { frames: { name: string }[] };
}

interface Event {
  ph: string;
  name: string;
  tid: number;
  ts: number;
  dur: number;
  args: object;
}

interface Zone {
  name: string;
  depth: number;
  /** In nanoseconds from the thread's first zone on. */
  begin: number;
  end: number;
}

const WAIT_MS = 60_000;
const SHAPES: TraceShape[] = [
  { seed: 81, frames: 40, systems: 14, workers: 3 },
  { seed: 82, frames: 60, systems: 8, workers: 2, stepNs: 100_000 },
];

let browser: TestBrowser;
before(async () => {
  browser = await openBrowser('chromium');
});
after(() => browser.close());

/** What we wrote of a thread. */
function written(events: readonly Event[], tid: number): Zone[] {
  const zones = events.filter(event => event.ph === 'X' && event.tid === tid);
  const first = Math.round(zones[0]!.ts * 1000);
  const open: number[] = [];
  return zones.map(({ name, args, ts, dur }) => {
    const begin = Math.round(ts * 1000) - first;
    const end = begin + Math.round(dur * 1000);
    while (open.length > 0 && open.at(-1)! <= begin) open.pop();
    open.push(end);
    return { name: `${name} ${JSON.stringify(args)}`, depth: open.length - 1, begin, end };
  });
}

/** What was saved of a thread. */
function shown({ profiles, shared }: Saved, index: number): Zone[] {
  const zones: Zone[] = [];
  const open: Zone[] = [];
  for (const { type, at, frame } of profiles[index]!.events) {
    const ns = Math.round(at * 1000);
    const { name } = shared.frames[frame]!;
    if (type === 'O') {
      const zone = { name, depth: open.length, begin: ns, end: NaN };
      zones.push(zone);
      open.push(zone);
    } else {
      const zone = open.pop()!;
      assert.equal(zone.name, name);
      zone.end = ns;
    }
  }
  assert.deepEqual(open, []);
  return zones;
}

/** Presses the keys that save what is shown, and takes what goes out. */
async function save({ page }: TestPage): Promise<Saved> {
  const saved = page.evaluate(
    () =>
      new Promise<string>(take => {
        const create = URL.createObjectURL.bind(URL);
        URL.createObjectURL = given => {
          void (given as Blob).text().then(take);
          return create(given);
        };
      }),
  );
  let done = false;
  const text = within(WAIT_MS, 'speedscope to save the trace', saved).finally(() => (done = true));
  // It may have set the title and still not listen.
  while (!done) {
    await page.keyboard.down('Control');
    await page.keyboard.press('s');
    await page.keyboard.up('Control');
    await Promise.race([text, delay(500)]);
  }
  return JSON.parse(await text) as Saved;
}

for (const shape of SHAPES) {
  test(`speedscope shows exactly the zones that we wrote [${JSON.stringify(shape)}]`, async t => {
    const trace = readTrace(makeTrace(shape).bytes());
    const text = [...traceJson(trace)].join('');
    const { traceEvents } = JSON.parse(text) as { traceEvents: Event[] };
    await using site = await openSite({
      folders: { '/speedscope/': 'node_modules/speedscope/dist/release' },
      files: { '/made.json': text },
    });
    await using page = await browser.open(site, '/speedscope/index.html#profileURL=/made.json');
    const loaded = page.page.waitForFunction(() => document.title.includes('made.json'), {
      timeout: 0,
    });
    await within(WAIT_MS, 'speedscope to load the trace', loaded);
    const saved = await save(page);
    assert.deepEqual(
      saved.profiles.map(({ type, name }) => [type, name]),
      trace.rows.map(({ name }, i) => ['evented', `made up (pid 1), ${name} (tid ${i + 1})`]),
    );
    const counts = trace.rows.map((_, i) => {
      const zones = written(traceEvents, i + 1);
      assert.deepEqual(shown(saved, i), zones);
      return zones.length;
    });
    t.diagnostic(`zones by thread: ${counts.join(', ')}`);
    const complaints = page.console.filter(line => /Tried to end|still open/.test(line));
    assert.deepEqual(complaints, []);
  });
}
