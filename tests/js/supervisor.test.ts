// SPDX-License-Identifier: MIT
// The wasm file that the pools run on, driven by the same seeds as the native machine
// (tests/sim/test_supervise.c): the witness finds nothing, and all that happened is the same, to
// the bit, which the digest shows.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './browser/harness.ts';
import { makeSupervisor, type Supervisor } from '../../js/dist/pool/supervisor.js';

const SEEDS = 1000;

interface Sim {
  simBytes(): number;
  simDigest(): bigint;
  simRun(seed: number): number;
}

/** The digest that tests/sim/test_supervise.c asserts. */
function nativeDigest(): bigint {
  const source = readFileSync(join(ROOT, 'tests/sim/test_supervise.c'), 'utf8');
  return BigInt(/^#define DIGEST (0x[0-9A-F]+)ull$/m.exec(source)![1]!);
}

const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
const view = (): DataView => new DataView(memory.buffer);

/** C's UINT64_MAX is Infinity here. */
function ns(value: bigint): number {
  const all = BigInt.asUintN(64, value);
  return all === 0xffffffffffffffffn ? Infinity : Number(all);
}

function u64(value: number): bigint {
  return value === Infinity ? 0xffffffffffffffffn : BigInt(value);
}

let machine: Supervisor;

/** The functions of supervise.h, by the machine of the package. */
const imports = {
  memory,
  skep__super_rules_default(rules: number, seats: number) {
    new Uint8Array(memory.buffer, rules, 48).fill(0);
    view().setUint32(rules, seats, true);
  },
  skep__supervisor_bytes: () => 0,
  skep__supervisor_init(at: number, rules: number) {
    const words = view();
    const u32 = (offset: number): number => words.getUint32(rules + offset, true);
    const long = (offset: number): number => ns(words.getBigUint64(rules + offset, true));
    machine = makeSupervisor({
      seats: u32(0),
      startTries: u32(4),
      restartMax: u32(8),
      restartWindowNs: long(16),
      startTimeoutNs: long(24),
      pauseNs: long(32),
      tickMaxNs: long(40),
    });
    return at;
  },
  skep__super_begin: (_: number, now: bigint) => machine.begin(ns(now)),
  skep__super_up: (_: number, seat: number, generation: number, now: bigint) =>
    machine.up(seat, generation, ns(now)),
  skep__super_start_failed: (_: number, seat: number, gen: number, final: number, now: bigint) =>
    machine.startFailed(seat, gen, final, ns(now)),
  skep__super_give: (
    _: number,
    seat: number,
    work: bigint,
    deadline: bigint,
    loading: number,
    now: bigint,
  ) => machine.give(seat, ns(work), ns(deadline), loading, ns(now)),
  skep__super_loaded: (_: number, seat: number, generation: number, now: bigint) =>
    machine.loaded(seat, generation, ns(now)),
  skep__super_progress: (_: number, seat: number, generation: number, now: bigint) =>
    machine.progress(seat, generation, ns(now)),
  skep__super_worked: (_: number, seat: number, generation: number) =>
    machine.worked(seat, generation),
  skep__super_done: (_: number, seat: number, generation: number, work: bigint, now: bigint) =>
    machine.done(seat, generation, ns(work), ns(now)),
  skep__super_replace: (_: number, seat: number, generation: number, cause: number, now: bigint) =>
    machine.replace(seat, generation, cause, ns(now)),
  skep__super_exited: (_: number, seat: number, generation: number, now: bigint) =>
    machine.exited(seat, generation, ns(now)),
  skep__super_time: (_: number, now: bigint, planned: bigint) => machine.time(ns(now), ns(planned)),
  skep__super_hold: (_: number, held: number) => machine.hold(held),
  skep__super_close: (_: number, now: bigint) => machine.close(ns(now)),
  skep__super_next(_: number, action: number): number {
    const words = view();
    const kind = machine.next();
    if (!kind) return 0;
    words.setUint32(action, kind, true);
    words.setUint32(action + 4, machine.actionSeat(), true);
    words.setUint32(action + 8, machine.actionGeneration(), true);
    words.setUint32(action + 12, machine.actionCause(), true);
    words.setBigUint64(action + 16, u64(machine.actionWork()), true);
    return 1;
  },
  skep__super_due: () => u64(machine.due()),
  skep__super_seat: (_: number, seat: number) => machine.seat(seat),
  skep__super_generation: (_: number, seat: number) => machine.generation(seat),
  skep__super_broken: () => machine.broken(),
  skep__super_live: () => machine.live(),
};

test('the machine of the pools does what the native one does', () => {
  const bytes = readFileSync(join(ROOT, 'build/wasm/tests/supervise.wasm'));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: imports });
  const sim = exports as unknown as Sim;
  assert.ok(sim.simBytes() > 0);
  for (let seed = 0; seed < SEEDS; seed++) {
    const wrong = sim.simRun(seed);
    if (!wrong) continue;
    const text = new Uint8Array(memory.buffer).slice(wrong, wrong + 200);
    assert.fail(`seed ${seed}: ${new TextDecoder().decode(text.subarray(0, text.indexOf(0)))}`);
  }
  const digest = BigInt.asUintN(64, sim.simDigest());
  assert.equal(digest.toString(16), nativeDigest().toString(16));
});
