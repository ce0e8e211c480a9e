// SPDX-License-Identifier: MIT
// Two thousand runs with faults thrown in at random, from a seed: every promise settles exactly
// once, with the right value or an error of the right kind, and the pool is whole at the end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadlineError, JobError, createPortablePool, type PortablePool } from 'skep';
import { acts } from './jobs/acts.ts';
import { EXECUTORS, act, hostOf, type ExecutorName } from './support/pools.ts';

const RUNS = 2000;
const SEED = Number(process.env['SKEP_SEED'] ?? 20240611);

function makeRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Outcome = (result: { value?: unknown; error?: unknown }) => boolean;

interface Plan {
  what: string;
  input: unknown;
  signal?: AbortSignal;
  deadlineMs?: number;
  expected: Outcome;
}

const gives =
  (value: unknown): Outcome =>
  result =>
    !result.error && result.value === value;
const fails =
  (code: string, retried = false): Outcome =>
  ({ error }) =>
    error instanceof JobError && error.code === code && error.retried === retried;

/** One run. Few of them cost a worker, since each such costs the time to start one. */
function plan(i: number, random: (below: number) => number, exits: boolean): Plan {
  const dice = random(1000);
  if (dice < 4 && exits) {
    return { what: 'exit', input: act('exit1'), expected: fails('E_WORKER_LOST', true) };
  }
  if (dice < 8) {
    const expected: Outcome = ({ error }) => error instanceof DeadlineError;
    return { what: 'loop', input: act('loop'), deadlineMs: 20 + random(20), expected };
  }
  if (dice < 12)
    return { what: 'uncaught', input: act('uncaught'), expected: fails('E_WORKER_LOST', true) };
  if (dice < 60) {
    // It may be done before it is aborted; then its value counts.
    const abort = new AbortController();
    setTimeout(() => abort.abort(i), random(30));
    const expected: Outcome = ({ value, error }) => error === i || value === i;
    return { what: 'abort', input: act('echo', { value: i }), signal: abort.signal, expected };
  }
  if (dice < 160) return { what: 'throw', input: act('throw'), expected: fails('E_JOB') };
  if (dice < 200) return { what: 'output', input: act('giveFunction'), expected: fails('E_JOB') };
  if (dice < 240) return { what: 'input', input: { f: () => 1 }, expected: fails('E_ARGUMENT') };
  if (dice < 280) {
    return { what: 'later', input: act('later', { value: i, ms: 1 }), expected: gives(i) };
  }
  return { what: 'double', input: act('double', { value: i }), expected: gives(2 * i) };
}

/** What became of a run. A run whose worker was lost by another's late error was retried: only
 * `retried` may differ then, and a value is a value. */
async function settle(pool: PortablePool, p: Plan, counts: number[], i: number): Promise<void> {
  const { signal, deadlineMs = 0, what } = p;
  const result = await pool.run(acts, p.input, { signal, deadlineMs }).then(
    value => ({ value }),
    (error: unknown) => ({ error }),
  );
  counts[i]!++;
  assert.ok(
    p.expected(result),
    `run ${i} (${what}), seed ${SEED}: ${JSON.stringify(result)} `
      + `${String((result as { error?: unknown }).error)}`,
  );
}

for (const name of ['node', 'web'] as ExecutorName[]) {
  test(`${name}: ${RUNS} runs with faults at random all settle once, and rightly`, async () => {
    const { options, exits } = EXECUTORS[name];
    const pool = await createPortablePool({ size: 3, ...options, queueMax: RUNS });
    const random = makeRandom(SEED);
    const counts = new Array<number>(RUNS).fill(0);
    const waves: Promise<void>[] = [];
    for (let i = 0; i < RUNS; i++) {
      waves.push(settle(pool, plan(i, random, exits), counts, i));
      if (random(20) === 0) await waves[random(waves.length)];
    }
    await Promise.all(waves);
    assert.ok(counts.every(count => count === 1));
    assert.equal(await pool.run(acts, act('echo', { value: 'whole' })), 'whole');
    const slots = hostOf(pool).workers;
    assert.equal(slots.length, 3);
    await pool.close();
  });
}
