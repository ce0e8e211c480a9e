// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Real readers of the trace event format load our JSON: the engine of Chrome's performance panel,
// and the Firefox profiler by its command. Each tells of exactly the zones that we wrote.
// (speedscope is in browser_trace.test.ts.)

import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readTrace, traceJson, type Trace } from 'skep/trace';
import { ROOT } from './browser/site.ts';
import { makeTrace, type TraceShape } from './support/trace_make.ts';
import { validateTraceEvents } from './support/trace_validate.ts';

interface Event {
  ph: string;
  name: string;
  tid: number;
  ts: number;
  dur?: number;
}

const SHAPES: TraceShape[] = [
  { seed: 91 },
  { seed: 92, workers: 5, systems: 40, frames: 30 },
  { seed: 93, frames: 100, systems: 6, workers: 2, stepNs: 100_000 },
  { seed: 94, frames: 20, workers: 0 },
];

/** A trace as JSON, and its events. */
function written(shape: TraceShape): { trace: Trace; text: string; events: Event[] } {
  const trace = readTrace(makeTrace(shape).bytes());
  const text = [...traceJson(trace)].join('');
  assert.deepEqual(validateTraceEvents(text).problems, []);
  return { trace, text, events: (JSON.parse(text) as { traceEvents: Event[] }).traceEvents };
}

/** How many zones of a thread there are by name. */
function tally(events: readonly Event[], tid: number, ph: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of events.filter(event => event.ph === ph && event.tid === tid)) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map([...counts].sort());
}

/* Chrome. */

interface EngineNode {
  entry: Event;
  depth: number;
  selfTime: number;
  children: EngineNode[];
}

/** What of the engine's package is used here; it has no stable interface. */
interface Engine {
  Processor: {
    TraceProcessor: {
      createWithAllHandlers(): {
        parse(events: Event[], options: object): Promise<void>;
        data: {
          Renderer: {
            processes: Map<
              number,
              {
                threads: Map<
                  number,
                  { name: string; entries: Event[]; tree: { roots: Set<EngineNode> } }
                >;
              }
            >;
            entryToNode: Map<Event, EngineNode>;
          };
        };
      };
    };
  };
}

/** The engine expects to run in a page. */
function makeRect(): void {
  class Rect {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;

    constructor(x = 0, y = 0, width = 0, height = 0) {
      this.x = x;
      this.y = y;
      this.width = width;
      this.height = height;
    }
  }
  if (!Reflect.has(globalThis, 'DOMRect')) Reflect.set(globalThis, 'DOMRect', Rect);
}

describe("the engine of Chrome's performance panel", () => {
  let engine: Engine;
  before(async () => {
    makeRect();
    const name: string = '@paulirish/trace_engine';
    engine = (await import(name)) as Engine;
  });

  for (const shape of SHAPES) {
    test(`has exactly our zones, in a tree [${JSON.stringify(shape)}]`, async t => {
      const { trace, text, events } = written(shape);
      const processor = engine.Processor.TraceProcessor.createWithAllHandlers();
      await processor.parse((JSON.parse(text) as { traceEvents: Event[] }).traceEvents, {});
      const { processes, entryToNode } = processor.data.Renderer;
      const zones = events.filter(({ ph }) => ph === 'X').length;
      t.diagnostic(`${entryToNode.size} of ${zones} zones`);
      assert.equal(entryToNode.size, zones);
      const { threads } = processes.get(1)!;
      assert.deepEqual(
        [...threads.keys()].sort(),
        trace.rows.map(({ thread }) => thread + 1),
      );
      for (const [tid, { name, entries, tree }] of threads) {
        assert.equal(name, trace.rows[tid - 1]!.name);
        assert.deepEqual(tally(entries, tid, 'X'), tally(events, tid, 'X'));
        const nodes = [...tree.roots];
        for (let i = 0; i < nodes.length; i++) nodes.push(...nodes[i]!.children);
        assert.equal(nodes.length, entries.filter(({ ph }) => ph === 'X').length);
        if (tid > 1) sameTree(trace, tid - 1, nodes);
      }
    });
  }

  /** Depth and self time of each of a worker's zones; the caller's have batches around them. */
  function sameTree(trace: Trace, thread: number, nodes: EngineNode[]): void {
    const row = trace.rows[thread]!;
    const inOrder = nodes.sort((a, b) => a.entry.ts - b.entry.ts || a.depth - b.depth);
    inOrder.forEach(({ depth, selfTime }, i) => {
      assert.equal(depth, row.depth[i]);
      // Each end may have moved by some nanoseconds, more where a coarse clock has many at once.
      const off = Math.abs(selfTime * 1000 - row.self[i]!);
      assert.ok(off < (trace.stepNs > 0 ? 200 : 20), `${selfTime * 1000}, not ${row.self[i]} ns`);
    });
  }
});

/* Firefox. */

const WAIT_MS = 60_000;
const COMMAND = join(ROOT, 'node_modules/@firefox-devtools/profiler-cli/dist/profiler-cli.js');

interface ThreadList {
  threads: { threadHandle: string; name: string; processName: string; markerCount: number }[];
}

interface Markers {
  byType: {
    markerName: string;
    count: number;
    isInterval: boolean;
    durationStats?: { min: number; max: number; avg: number };
  }[];
}

describe('the Firefox profiler', () => {
  let home = '';
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'skep_profiler_'));
  });
  after(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

  const options = () => ({
    // A home of its own, in which its sessions are.
    env: { PATH: process.env['PATH'], HOME: home, PROFILER_CLI_SESSION_DIR: home },
    cwd: home,
  });

  async function ask<T>(session: string, ...args: string[]): Promise<T> {
    const all = [COMMAND, ...args, '--session', session, '--json'];
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, all, {
      ...options(),
      timeout: WAIT_MS,
      maxBuffer: 1 << 28,
    });
    return JSON.parse(stdout) as T;
  }

  /** Waits until a session has loaded its file. Who asks it too early makes it forget itself. */
  async function loaded(name: string, daemon: ChildProcess): Promise<void> {
    const late = performance.now() + WAIT_MS;
    let log = '';
    while (!log.includes('Profile loaded successfully')) {
      await delay(50);
      log = await readFile(join(home, `${name}.log`), 'utf8').catch(() => '');
      const over = performance.now() > late || daemon.exitCode !== null;
      assert.ok(!over && !/failed/i.test(log), `the profiler did not load the trace:\n${log}`);
    }
  }

  /**
   * Loads a file. What the command's `load` does, but as a child of ours, which is sure to end, and
   * which may take its time on a busy machine.
   */
  async function withSession(
    name: string,
    text: string,
    use: (threads: ThreadList['threads']) => Promise<void>,
  ): Promise<void> {
    // Its own notes on a session are NAME.json.
    const path = join(home, `${name}_trace.json`);
    await writeFile(path, text);
    const daemon = spawn(process.execPath, [COMMAND, '--daemon', path, '--session', name], {
      ...options(),
      stdio: 'ignore',
    });
    const ended = once(daemon, 'exit');
    try {
      await loaded(name, daemon);
      await use((await ask<ThreadList>(name, 'thread', 'list')).threads);
    } finally {
      daemon.kill();
      await ended;
    }
  }

  SHAPES.forEach((shape, n) => {
    test(`has exactly our zones [${JSON.stringify(shape)}]`, async t => {
      const { trace, text, events } = written(shape);
      const session = `skep${n}`;
      await withSession(session, text, async threads => {
        assert.deepEqual(
          threads.map(({ name, processName }) => [name, processName]).sort(),
          trace.rows.map(({ name }) => [name, 'made up']).sort(),
        );
        for (const { threadHandle, name } of threads) {
          const tid = trace.rows.findIndex(row => row.name === name) + 1;
          const of = ['--thread', threadHandle, '--limit', '0'];
          const { byType } = await ask<Markers>(session, 'thread', 'markers', ...of);
          sameMarkers(byType, events, tid);
        }
        t.diagnostic(`markers: ${threads.map(({ markerCount }) => markerCount).join(', ')}`);
      });
    });
  });

  function sameMarkers(byType: Markers['byType'], events: readonly Event[], tid: number): void {
    const told = (interval: boolean): Map<string, number> =>
      new Map(
        byType
          .filter(({ isInterval }) => isInterval === interval)
          .map(({ markerName, count }) => [markerName, count] as const)
          .sort(),
      );
    assert.deepEqual(told(true), tally(events, tid, 'X'));
    assert.deepEqual(told(false), tally(events, tid, 'i'));
    for (const { markerName, durationStats } of byType.filter(({ isInterval }) => isInterval)) {
      const lengths = events
        .filter(({ ph, tid: of, name }) => ph === 'X' && of === tid && name === markerName)
        .map(({ dur }) => dur! / 1000);
      assert.ok(Math.abs(durationStats!.max - Math.max(...lengths)) < 1e-9);
      assert.ok(Math.abs(durationStats!.min - Math.min(...lengths)) < 1e-9);
    }
  }
});
