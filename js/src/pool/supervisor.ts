// SPDX-License-Identifier: MIT
// The supervisor of core/supervise, compiled to a wasm file of its own: what the pools of C and of
// JavaScript share. It decides who is started, ended, given up, and which work is lost; see
// supervise.h, whose names these are. Each machine is an instance with its own memory.

import { inflate } from '../core/inflate.js';
import { SkepError } from '../errors.js';
import { SUPERVISOR_BYTES, SUPERVISOR_DEFLATED } from './embedded_supervisor.js';

export const SEAT = {
  empty: 0,
  waiting: 1,
  starting: 2,
  idle: 3,
  busy: 4,
  leaving: 5,
  givenUp: 6,
} as const;

export const CAUSE = {
  none: 0,
  crashed: 1,
  deadline: 2,
  badOutput: 3,
  lied: 4,
  notStarted: 5,
  notLoaded: 6,
  aborted: 7,
  budget: 8,
} as const;

export const DO = { nothing: 0, start: 1, kill: 2, lost: 3, giveUp: 4, broken: 5 } as const;

/** Times are in nanoseconds, and Infinity is no time at all. */
export interface SupervisorRules {
  readonly seats: number;
  readonly startTries: number;
  /** 0: any number. */
  readonly restartMax: number;
  readonly restartWindowNs: number;
  readonly startTimeoutNs: number;
  readonly pauseNs: number;
  readonly tickMaxNs: number;
}

/** What wasm/supervise_exports.c exports. */
export interface Supervisor {
  begin(nowNs: number): void;
  up(seat: number, generation: number, nowNs: number): number;
  startFailed(seat: number, generation: number, final: number, nowNs: number): void;
  give(seat: number, work: number, deadlineNs: number, loading: number, nowNs: number): number;
  loaded(seat: number, generation: number, nowNs: number): void;
  progress(seat: number, generation: number, nowNs: number): void;
  worked(seat: number, generation: number): void;
  done(seat: number, generation: number, work: number, nowNs: number): number;
  replace(seat: number, generation: number, cause: number, nowNs: number): void;
  exited(seat: number, generation: number, nowNs: number): void;
  time(nowNs: number, plannedNs: number): void;
  hold(held: number): void;
  close(nowNs: number): void;
  /** Takes the next action; one of DO. The rest of it by the four below. */
  next(): number;
  actionSeat(): number;
  actionGeneration(): number;
  actionCause(): number;
  actionWork(): number;
  /** When `time` is to be called at the latest. */
  due(): number;
  seat(seat: number): number;
  generation(seat: number): number;
  broken(): number;
  live(): number;
}

interface Exports extends Supervisor {
  open(
    seats: number,
    startTries: number,
    restartMax: number,
    restartWindowNs: number,
    startTimeoutNs: number,
    pauseNs: number,
    tickMaxNs: number,
  ): number;
}

let compiled: WebAssembly.Module | null = null;

/** Compiles the file, once. Throws SkepError (E_UNSUPPORTED) where wasm is missing or forbidden. */
export function loadSupervisor(): WebAssembly.Module {
  try {
    if (compiled) return compiled;
    const packed = Uint8Array.from(atob(SUPERVISOR_DEFLATED), c => c.charCodeAt(0));
    return (compiled = new WebAssembly.Module(inflate(packed, SUPERVISOR_BYTES)));
  } catch (cause) {
    throw new SkepError('E_UNSUPPORTED', 'wasm cannot be used here, on which pools run', {
      hint: "a page's Content-Security-Policy needs 'wasm-unsafe-eval' in script-src",
      cause,
    });
  }
}

/** Makes a machine; all seats are empty. */
export function makeSupervisor(rules: SupervisorRules): Supervisor {
  const machine = new WebAssembly.Instance(loadSupervisor()).exports as unknown as Exports;
  const opened = machine.open(
    rules.seats,
    rules.startTries,
    rules.restartMax,
    rules.restartWindowNs,
    rules.startTimeoutNs,
    rules.pauseNs,
    rules.tickMaxNs,
  );
  if (!opened) throw new SkepError('E_NO_MEMORY', 'no memory for a supervisor');
  return machine;
}
