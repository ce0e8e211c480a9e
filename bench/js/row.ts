// SPDX-License-Identifier: MIT
// What a row of the bench is made of: contenders that do the same work, of which one may be the
// limit (hand-written, no library), some are ours, the rest are peers; and the bars ours has to
// meet. A row is data; bench/js/measure.ts runs it.

/** Work that is set up and can be repeated. Made in a world of its own for each contender. */
export interface Subject {
  /** Does the work once, and leaves a state that `check` can look at. */
  run(): void | Promise<unknown>;
  /** Instead of `run`, where something has to happen before each piece of work that does not count:
   * does the work once and resolves to the nanoseconds that counted. */
  timed?(): Promise<number>;
  /** Throws if the state is not what that many calls of `run` must have left. */
  check(runs: number): void;
  /** The tracer of what runs, which is off until it is asked for: then the row also says what it
   * costs a record. */
  readonly trace?: Tracing;
  close?(): void | Promise<void>;
}

export interface Tracing {
  on(): void;
  off(): void;
  /** Records written so far. */
  records(): number;
}

export type Role = 'ours' | 'limit' | 'peer';

export interface Contender {
  readonly name: string;
  readonly role: Role;
  /** Every contender has a function literal of its own here, and in it one for `run`: V8 keeps type
   * feedback by literal, and shared ones would slow each other down. */
  readonly make: () => Subject | Promise<Subject>;
}

/** What the contender `of` is held to. */
export type Bar =
  /** Its time is at most `atMost` times that of `than`, and `plus` more of the row's unit. */
  | { of: string; than: string; atMost: number; plus?: number }
  /** It is at least so many times as fast as `than`. */
  | { of: string; than: string; faster: number }
  /** Its time is at most so much, in the row's unit. */
  | { of: string; value: number };

export type Unit = 'ns' | 'us' | 'ms';

export interface Row {
  readonly name: string;
  /** What is measured, as the table's heading says it. */
  readonly title: string;
  readonly unit: Unit;
  /** How many pieces of work one `run` does; times are given for one. 1 unless said. */
  readonly per?: number;
  readonly contenders: readonly Contender[];
  readonly bars: readonly Bar[];
}

/** A row that measures itself: a size, a count, or what is seen from outside. */
export interface Fact {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** With `quick` only just, so that it is seen to run. */
  readonly measure: (quick: boolean) => Promise<readonly FactValue[]>;
  readonly bars: readonly { of: string; value: number }[];
}

export interface FactValue {
  readonly name: string;
  readonly role: Role;
  readonly value: number;
  /** What the value is the median of, where it was measured more than once. */
  readonly samples?: readonly number[];
}

/** Throws what a check has to say. */
export function expect(ok: boolean, what: string): void {
  if (!ok) throw new Error(what);
}

/** Throws unless the number is the expected one. */
export function expectNumber(got: number, want: number, what: string): void {
  if (got !== want) throw new Error(`${what} is ${got}, and ${want} was expected`);
}
