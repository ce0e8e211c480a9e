// SPDX-License-Identifier: MIT
// What JavaScript reads of a recording by itself (core/record/record_format.h has the bytes): the
// first world, whose components must be known before wasm can load it, and what only JavaScript
// knew of each frame. Nothing is checked here: wasm refuses what is damaged, and is asked first.

const HEAD_BYTES = 16;
const RECORD_BYTES = 24;
/** skep__rec_kind. */
const KIND = { world: 5, worldEnd: 6, begin: 7, host: 13 } as const;

/** What `extra` gave for a frame, where it is not what it was in the one before. */
export type Extras = Record<string, unknown>;

export interface HostRecords {
  /** The save that the recording begins with. */
  readonly world: Uint8Array;
  /** By the frame's tick. */
  readonly extras: ReadonlyMap<number, Extras>;
  /** Systems whose `extra` JSON could not hold. */
  readonly unkept: readonly string[];
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What only JavaScript knows of a frame, as bytes. */
export function packHost(extras: Extras, unkept: readonly string[]): Uint8Array {
  return encoder.encode(JSON.stringify(unkept.length ? { extras, unkept } : { extras }));
}

/** All of them, one behind the other. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Reads the records of a file up to byte `good`. */
export function readHost(bytes: Uint8Array, good: number): HostRecords {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: Uint8Array[] = [];
  const extras = new Map<number, Extras>();
  const unkept = new Set<string>();
  let worlds = 0;
  let next: Extras = {};
  for (let at = HEAD_BYTES; at + RECORD_BYTES <= good;) {
    const kind = view.getUint32(at, true);
    const length = Number(view.getBigUint64(at + 8, true));
    const payload = bytes.subarray(at + RECORD_BYTES, at + RECORD_BYTES + length);
    at += RECORD_BYTES + ((length + 7) & ~7);
    if (kind === KIND.world && worlds === 0) pieces.push(payload);
    else if (kind === KIND.worldEnd) worlds++;
    else if (kind === KIND.host) {
      const said = JSON.parse(decoder.decode(payload)) as { extras: Extras; unkept?: string[] };
      next = { ...next, ...said.extras };
      for (const name of said.unkept ?? []) unkept.add(name);
    } else if (kind === KIND.begin) {
      const head = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      extras.set(Number(head.getBigUint64(0, true)), next);
      next = {};
    }
  }
  return { world: joined(pieces), extras, unkept: [...unkept] };
}
