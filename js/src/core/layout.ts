// SPDX-License-Identifier: MIT
// Where things are in the instance's memory: the words that skep_host_open lists, in its order, and
// the layouts of the C structs that JavaScript reads without a call. wasm/layout_check.c asserts
// the latter.

/** Addresses and sizes, as host_layout() of wasm/host.c writes them behind the status. */
export interface Layout {
  readonly types: number;
  readonly typeBytes: number;
  readonly typeDir: number;
  readonly index: number;
  readonly indexCount: number;
  readonly epoch: number;
  readonly mode: number;
  readonly waiting: number;
  readonly running: number;
  readonly entityCount: number;
  readonly tick: number;
  readonly time: number;
  readonly pool: number;
  readonly slots: number;
  readonly slotBytes: number;
  readonly callerAsleep: number;
  readonly ticket: number;
  readonly tableGeneration: number;
  readonly typeWatched: number;
  readonly log: number;
  readonly logUsed: number;
  readonly region: number;
  readonly heapAt: number;
}

const NAMES: readonly (keyof Layout)[] = [
  'types',
  'typeBytes',
  'typeDir',
  'index',
  'indexCount',
  'epoch',
  'mode',
  'waiting',
  'running',
  'entityCount',
  'tick',
  'time',
  'pool',
  'slots',
  'slotBytes',
  'callerAsleep',
  'ticket',
  'tableGeneration',
  'typeWatched',
  'log',
  'logUsed',
  'region',
  'heapAt',
];

/** Reads the words from index `at` on. */
export function readLayout(u32: Uint32Array, at: number): Layout {
  return Object.fromEntries(NAMES.map((name, i) => [name, u32[at + i]!])) as unknown as Layout;
}

/** skep_task: byte offsets. */
export const TASK = {
  n: 0,
  dt: 4,
  time: 8,
  tick: 16,
  entity: 24,
  block: 28,
  part: 32,
  parts: 36,
  row: 40,
} as const;
/** skep_pool_task. */
export const POOL_TASK = {
  parts: 0,
  span: 4,
  cells: 8,
  frame: 12,
  spawns: 16,
  output: 20,
  job: 32,
  partCount: 36,
  cellCount: 40,
  spawnCount: 44,
  cellsBytes: 48,
  outputBytes: 52,
  block: 56,
  rows: 60,
  system: 64,
  bytes: 72,
} as const;
/** skep_task_part. */
export const PART = {
  entity: 0,
  columns: 4,
  writes: 8,
  reads: 12,
  writeCount: 16,
  readCount: 20,
  n: 24,
  row: 28,
  bytes: 32,
} as const;
/** skep_task_write. */
export const WRITE = { to: 0, from: 4, bytes: 8, column: 12, size: 16 } as const;
/** skep_task_cell. */
export const CELL = { from: 0, bytes: 4, offset: 8, column: 12, size: 20 } as const;
/** skep_task_frame. */
export const FRAME = { time: 0, tick: 8, seed: 16, dt: 24, size: 32 } as const;
/** skep_pool_result. */
export const RESULT = {
  task: 0,
  status: 4,
  cause: 8,
  output: 12,
  bytes: 16,
  wanted: 20,
  worker: 32,
  writing: 36,
  size: 40,
} as const;
/** skep_job and skep_access. */
export const JOB = { access: 4, accessCount: 8, colsSize: 12, flags: 16, size: 28 } as const;
export const ACCESS = { component: 0, mode: 4, offset: 8, size: 12 } as const;
/** wasm_slot. */
export const SLOT = {
  task: 0,
  serial: 4,
  asleep: 8,
  up: 12,
  causes: 16,
  stack: 20,
  room: 24,
} as const;
/** skep_task_room. */
export const ROOM = { scratch: 0, scratchBytes: 4, elsewhere: 8, guard: 12, size: 16 } as const;

/** From here on a slot's `task` is none: its worker is between two, or lost. */
export const SLOT_BUSY = 0xfffffffe;
/** Sizes of wasm/pool_wasm.h. */
export const CAUSE_BYTES = 8192;
export const STACK_BYTES = 256 << 10;
/** What a job has of that, on every executor: the rest is for the frames below it. */
export const JOB_STACK_BYTES = 240 << 10;
/** HOST_INTERFACE of wasm/host.h. */
export const INTERFACE = 3;

/** skep_status, as in skep/status.h. */
export const STATUS = {
  OK: 0,
  NO_MEMORY: 1,
  LIMIT: 2,
  ARGUMENT: 3,
  NOT_FOUND: 4,
  GONE: 5,
  EXISTS: 6,
  CORRUPT: 7,
  FOREIGN: 8,
  VERSION: 9,
  SCHEMA: 10,
  BUSY: 11,
  PLAN: 12,
  FAULT: 13,
  CLOSED: 14,
  ACCESS: 15,
  IO: 16,
  UNSUPPORTED: 17,
} as const;

/** skep_mode, as in skep/job.h. */
export const MODE = {
  in: 1,
  mut: 2,
  out: 3,
  opt: 4,
  with: 5,
  not: 6,
  lookup: 7,
  changed: 8,
  res: 9,
  resMut: 10,
  inbox: 11,
  events: 12,
  add: 13,
  remove: 14,
  spawn: 15,
  destroy: 16,
  emit: 17,
} as const;

/** skep_kind. */
export const KIND = { component: 0, event: 1, resource: 2, input: 3, prefab: 4 } as const;

/** Flags of jobs and batches. */
export const JOB_MAY_FAIL = 1;
export const JOB_UNSPLIT = 2;
export const JOB_LATE = 1 << 29;
export const JOB_JS = 1 << 30;
export const JOB_HANDED = 0x80000000;
export const BATCH_FORCE = 1;
export const BATCH_CHECK = 2;
export const BATCH_RETRY = 4;
