// SPDX-License-Identifier: MIT
// Every error that the package throws or rejects with. Each has a stable `code` to switch on, a
// message that names the thing, and a `hint` that says what to do. What a job threw is `cause`.

export type SkepErrorCode =
  | 'E_ACCESS'
  | 'E_ARGUMENT'
  | 'E_BUSY'
  | 'E_CLOSED'
  | 'E_CORRUPT'
  | 'E_DEADLINE'
  | 'E_GONE'
  | 'E_JOB'
  | 'E_LIMIT'
  | 'E_MODULE'
  | 'E_NO_MEMORY'
  | 'E_PATCH'
  | 'E_PLAN'
  | 'E_SCHEMA'
  | 'E_UNSUPPORTED'
  | 'E_WORKER_LOST';

export interface SkepErrorOptions {
  hint?: string;
  cause?: unknown;
}

/** The base of all errors of this package. */
export class SkepError extends Error {
  readonly code: SkepErrorCode;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(code: SkepErrorCode, message: string, options: SkepErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  // Written out in each class: minifiers rename constructors.
  override get name(): string {
    return 'SkepError';
  }
}

/** What became of a system whose job failed in a frame. */
export type FaultAction = 'healed' | 'fallback' | 'skipped' | 'quarantined' | 'kept';

export interface JobErrorDetails {
  system: string;
  /** The worker that ran it, from 1; 0 is the caller. */
  worker?: number;
  /** The tick of the frame; -1 outside of frames. */
  frame?: number;
  /** The number of the block of rows, or null where the job was called once for all. */
  block?: number | null;
  /** It was tried once more on another worker. */
  retried?: boolean;
  action?: FaultAction;
  /** The cause in one line; what was thrown says it by default. */
  text?: string;
}

/** A fault as plain data: what JSON makes of a JobError. */
export interface FaultRecord {
  frame: number;
  system: string;
  block: number | null;
  worker: number;
  cause: string;
  action: FaultAction;
  retried: boolean;
}

/** What was thrown, in one line; undefined for nothing. Never throws. */
function textOf(thrown: unknown): string | undefined {
  try {
    return thrown === undefined ? undefined : String(thrown);
  } catch {
    return 'threw something that has no text';
  }
}

/** A job threw, rejected, trapped, was lost with its worker, or gave bad output. */
export class JobError extends SkepError {
  readonly system: string;
  readonly worker: number;
  readonly frame: number;
  readonly block: number | null;
  readonly retried: boolean;
  readonly action: FaultAction;
  readonly #text: string | undefined;

  constructor(
    message: string,
    details: JobErrorDetails,
    options: SkepErrorOptions & { code?: SkepErrorCode } = {},
  ) {
    super(options.code ?? 'E_JOB', message, options);
    this.system = details.system;
    this.worker = details.worker ?? 0;
    this.frame = details.frame ?? -1;
    this.block = details.block ?? null;
    this.retried = details.retried ?? false;
    this.action = details.action ?? 'skipped';
    this.#text = details.text;
  }

  /** As `skep run --json` lists faults, so that both hosts' logs are read by one program. */
  toJSON(): FaultRecord {
    const { frame, system, block, worker, action, retried } = this;
    const cause = this.#text ?? textOf(this.cause) ?? this.message;
    return { frame, system, block, worker, cause, action, retried };
  }

  override get name(): string {
    return 'JobError';
  }
}

/** A named limit was reached. Thrown in every build. */
export class LimitError extends SkepError {
  /** The option to raise. */
  readonly knob: string;
  readonly limit: number;
  readonly needed: number;

  constructor(
    message: string,
    knob: string,
    limit: number,
    needed: number,
    options: SkepErrorOptions = {},
  ) {
    super('E_LIMIT', message, options);
    this.knob = knob;
    this.limit = limit;
    this.needed = needed;
  }

  override get name(): string {
    return 'LimitError';
  }
}

/** The systems do not make a plan; the message lists all mistakes at once. */
export class PlanError extends SkepError {
  readonly systems: readonly string[];
  readonly mistakes: readonly string[];

  constructor(
    message: string,
    systems: readonly string[],
    mistakes: readonly string[],
    options: SkepErrorOptions = {},
  ) {
    super('E_PLAN', message, options);
    this.systems = systems;
    this.mistakes = mistakes;
  }

  override get name(): string {
    return 'PlanError';
  }
}

/** A component's description breaks a rule, or a value does not fit it. */
export class SchemaError extends SkepError {
  readonly component: string;
  readonly field: string | undefined;

  constructor(message: string, component: string, field?: string, options: SkepErrorOptions = {}) {
    super('E_SCHEMA', message, options);
    this.component = component;
    this.field = field;
  }

  override get name(): string {
    return 'SchemaError';
  }
}

/** The pool or scheduler is closed, or was closed while this waited. */
export class ClosedError extends SkepError {
  constructor(message: string, options: SkepErrorOptions = {}) {
    super('E_CLOSED', message, options);
  }

  override get name(): string {
    return 'ClosedError';
  }
}

/** A job ran longer than its deadline; its worker was replaced. */
export class DeadlineError extends SkepError {
  readonly deadlineMs: number;

  constructor(message: string, deadlineMs: number, options: SkepErrorOptions = {}) {
    super('E_DEADLINE', message, options);
    this.deadlineMs = deadlineMs;
  }

  override get name(): string {
    return 'DeadlineError';
  }
}

/** A patch, or a job's list of them, is malformed. Nothing of the list was applied. */
export class PatchError extends SkepError {
  /** The place in the list, -1 for the list itself. */
  readonly index: number;

  constructor(message: string, index: number, options: SkepErrorOptions = {}) {
    super('E_PATCH', message, options);
    this.index = index;
  }

  override get name(): string {
    return 'PatchError';
  }
}
