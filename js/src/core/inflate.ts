// SPDX-License-Identifier: MIT
// Unpacks DEFLATE (RFC 1951), synchronously: the browser's own DecompressionStream is not, and a
// world is made by a constructor. It only ever reads what the build wrote, so it checks nothing.

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
];
const LENGTH_BITS = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A canonical Huffman code: how many codes each length has, and the symbols in their order. */
interface Code {
  counts: Uint16Array;
  symbols: Uint16Array;
}

function makeCode(lengths: ArrayLike<number>): Code {
  const counts = new Uint16Array(16);
  const offsets = new Uint16Array(16);
  const symbols = new Uint16Array(lengths.length);
  for (let i = 0; i < lengths.length; i++) counts[lengths[i]!]!++;
  counts[0] = 0;
  for (let bits = 1; bits < 16; bits++) offsets[bits] = offsets[bits - 1]! + counts[bits - 1]!;
  for (let i = 0; i < lengths.length; i++) {
    if (lengths[i]) symbols[offsets[lengths[i]!]!++] = i;
  }
  return { counts, symbols };
}

class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  hold = 0;
  held = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  bits(count: number): number {
    while (this.held < count) {
      this.hold |= this.bytes[this.at++]! << this.held;
      this.held += 8;
    }
    const value = this.hold & ((1 << count) - 1);
    this.hold >>>= count;
    this.held -= count;
    return value;
  }

  symbol(code: Code): number {
    let value = 0;
    let first = 0;
    let index = 0;
    for (let bits = 1; bits < 16; bits++) {
      value |= this.bits(1);
      const count = code.counts[bits]!;
      if (value - count < first) return code.symbols[index + value - first]!;
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    throw new Error('skep: the embedded core is damaged');
  }
}

function readCodes(reader: Reader): [Code, Code] {
  const literals = reader.bits(5) + 257;
  const distances = reader.bits(5) + 1;
  const codes = reader.bits(4) + 4;
  const lengths = new Uint8Array(320);
  for (let i = 0; i < codes; i++) lengths[CODE_ORDER[i]!] = reader.bits(3);
  const code = makeCode(lengths.subarray(0, 19));
  lengths.fill(0);
  for (let i = 0; i < literals + distances;) {
    const symbol = reader.symbol(code);
    if (symbol < 16) {
      lengths[i++] = symbol;
      continue;
    }
    const value = symbol === 16 ? lengths[i - 1]! : 0;
    let times = symbol === 18 ? 11 + reader.bits(7) : 3 + reader.bits(symbol === 16 ? 2 : 3);
    while (times--) lengths[i++] = value;
  }
  return [
    makeCode(lengths.slice(0, literals)),
    makeCode(lengths.slice(literals, literals + distances)),
  ];
}

function fixedCodes(): [Code, Code] {
  const lengths = new Uint8Array(288).fill(8);
  lengths.fill(9, 144, 256).fill(7, 256, 280);
  return [makeCode(lengths), makeCode(new Uint8Array(30).fill(5))];
}

/** Unpacks `bytes` into exactly `size` bytes. */
export function inflate(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size);
  const reader = new Reader(bytes);
  let at = 0;
  for (let last = 0; !last;) {
    last = reader.bits(1);
    const kind = reader.bits(2);
    if (kind === 0) {
      reader.hold = reader.held = 0;
      const length = bytes[reader.at]! | (bytes[reader.at + 1]! << 8);
      out.set(bytes.subarray(reader.at + 4, reader.at + 4 + length), at);
      reader.at += 4 + length;
      at += length;
      continue;
    }
    const [literal, distance] = kind === 1 ? fixedCodes() : readCodes(reader);
    for (let symbol = reader.symbol(literal); symbol !== 256; symbol = reader.symbol(literal)) {
      if (symbol < 256) {
        out[at++] = symbol;
        continue;
      }
      const length = LENGTH_BASE[symbol - 257]! + reader.bits(LENGTH_BITS[symbol - 257]!);
      const code = reader.symbol(distance);
      const extra = code < 2 ? 0 : (code >> 1) - 1;
      const back = code < 2 ? code + 1 : ((2 + (code & 1)) << extra) + 1 + reader.bits(extra);
      for (let i = 0; i < length; i++, at++) out[at] = out[at - back]!;
    }
  }
  return out;
}
