// SPDX-License-Identifier: MIT
// The core's random numbers without state (core/base/random.h): a number is a hash of (seed,
// system, tick, entity, draw), made of two rounds of a bijection of 64 bits. Here in halves of 32
// bits, since BigInt would take microseconds. Given the core's key the bits are the core's; where
// there is no core, as for columns, the key is made here, with a hash of the name of its own.

const TWO_32 = 4294967296;

/** What all numbers of one system in one tick share: words a and b of 64 bits, low half first. */
export type RandomKey = Uint32Array;

// The halves of the last result of the functions below.
let high = 0;
let low = 0;

function add(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const sum = (aLow >>> 0) + (bLow >>> 0);
  low = sum >>> 0;
  high = (aHigh + bHigh + (sum >= TWO_32 ? 1 : 0)) >>> 0;
}

/** The low 64 bits of a product. */
function multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const u = a1 * b0 + ((a0 * b0) >>> 16);
  const v = a0 * b1 + (u & 0xffff);
  const carry = a1 * b1 + (u >>> 16) + (v >>> 16);
  high = (carry + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) >>> 0;
  low = Math.imul(aLow, bLow) >>> 0;
}

/** x ^ (x >> by), for by below 32. */
function fold(by: number): void {
  low = (low ^ ((low >>> by) | (high << (32 - by)))) >>> 0;
  high = (high ^ (high >>> by)) >>> 0;
}

/** The finaliser of SplitMix64, as skep__hash_u64. */
function mix(xHigh: number, xLow: number): void {
  add(xHigh, xLow, 0x9e3779b9, 0x7f4a7c15);
  fold(30);
  multiply(high, low, 0xbf58476d, 0x1ce4e5b9);
  fold(27);
  multiply(high, low, 0x94d049bb, 0x133111eb);
  fold(31);
}

/** A number's 64 bits, as an unsigned integer. */
function highOf(x: number): number {
  return Math.floor(x / TWO_32) >>> 0;
}

function mixName(name: string): void {
  high = low = 0;
  for (const byte of new TextEncoder().encode(name)) mix(high, low ^ byte);
}

/** Makes a key: once a task. `seed` and `tick` are integers. */
export function randomKey(seed: number, system: string, tick: number): RandomKey {
  const key = new Uint32Array(4);
  mixName(system);
  const nameHigh = high;
  const nameLow = low;
  mix(highOf(seed), seed >>> 0);
  mix(high ^ nameHigh, low ^ nameLow);
  add(high, low, highOf(tick), tick >>> 0);
  mix(high, low);
  key[0] = low;
  key[1] = high;
  mix(high ^ 0x3c79ac49, low ^ 0x2ba7b653);
  key[2] = low;
  key[3] = high;
  return key;
}

/** A number of [0, 1) with 53 random bits, as skep_rand_f64. */
export function randomAt(key: RandomKey, entity: number, draw: number): number {
  mix(highOf(entity) ^ key[1]!, (entity >>> 0) ^ key[0]!);
  add(high, low, key[3]!, key[2]!);
  const streamHigh = high;
  const streamLow = low;
  multiply(0, draw >>> 0, 0x9e3779b9, 0x7f4a7c15);
  add(high, low, streamHigh, streamLow);
  mix(high, low);
  return (high * 2097152 + (low >>> 11)) * 2 ** -53;
}
