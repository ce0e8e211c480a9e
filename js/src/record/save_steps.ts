// SPDX-License-Identifier: MIT
// A snapshot as bytes, in steps of a fraction of a millisecond: wasm sums up its blocks, which stay
// where they are as long as the snapshot is held; the values of object components are made JSON;
// then all is copied. The same bytes as world.save(snapshot) gives.

import type { Host } from '../core/host.js';
import { objectPieces } from '../save.js';
import type { Snapshot } from '../snapshot.js';

/** Bytes of blocks that a step reads or copies before it looks at the clock: a quarter of a
 * millisecond or less. */
const STEP_BYTES = 256 << 10;

interface Piece {
  /** Where it is in memory, or itself where it would not stay there. */
  readonly at: number;
  readonly bytes: number;
  readonly own: Uint8Array | null;
}

function* summed(
  host: Host,
  snapshot: Snapshot,
): Generator<void, { pieces: Piece[]; bytes: number }> {
  host.call('skep_host_save_begin', snapshot.address);
  try {
    // `address` throws once the world is gone, or has moved.
    while (snapshot.address && !host.ex['skep_host_save_sum']!(host.address, STEP_BYTES)) yield;
    host.call('skep_host_save_pieces');
    const { u8, u32 } = host.instance;
    const [list, count, bytes, region] = [0, 1, 2, 3].map(i => host.word(i)) as [
      number,
      number,
      number,
      number,
    ];
    const pieces = Array.from({ length: count }, (_, i): Piece => {
      const at = u32[(list >> 2) + 2 * i]!;
      const length = u32[(list >> 2) + 2 * i + 1]!;
      return { at, bytes: length, own: at < region ? u8.slice(at, at + length) : null };
    });
    return { pieces, bytes };
  } finally {
    if (!host.closed) host.ex['skep_host_save_end']!(host.address);
  }
}

/** Makes the bytes; yields between steps. Holds the snapshot, and does not release it. */
export function* saveSteps(snapshot: Snapshot): Generator<void, Uint8Array<ArrayBuffer>> {
  const { host } = snapshot;
  const { pieces, bytes } = yield* summed(host, snapshot);
  const objects: Uint8Array[] = [];
  for (const piece of objectPieces(snapshot)) {
    objects.push(piece);
    yield;
  }
  const out = new Uint8Array(objects.reduce((sum, piece) => sum + piece.length, bytes));
  let to = 0;
  let since = 0;
  for (const piece of pieces) {
    for (let done = 0; done < piece.bytes; done += STEP_BYTES) {
      const some = Math.min(piece.bytes - done, STEP_BYTES);
      const from = piece.own ?? host.instance.u8;
      const at = piece.own ? done : piece.at + done;
      if (snapshot.address) out.set(from.subarray(at, at + some), to);
      to += some;
      since += some;
      if (since < STEP_BYTES) continue;
      since = 0;
      yield;
    }
  }
  for (const piece of objects) {
    out.set(piece, to);
    to += piece.length;
  }
  return out;
}
