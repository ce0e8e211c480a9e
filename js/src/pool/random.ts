// SPDX-License-Identifier: MIT
// The core's random numbers without state (core/base/random.h), in 32-bit halves: a number is a
// hash of (seed, system, tick, entity, draw). Given the core's key the bits are the core's. Where
// there is no core, as for columns, the key is made here, from the same parts and a hash of the
// name of its own.

/** What all numbers of one system in one tick share: two words of 64 bits. */
export interface RandomKey {
  readonly a: bigint;
  readonly b: bigint;
}

const MASK = 0xffffffffffffffffn;

function mix(x: bigint): bigint {
  let z = (x + 0x9e3779b97f4a7c15n) & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

function hashName(name: string): bigint {
  let hash = 0n;
  for (const byte of new TextEncoder().encode(name)) hash = mix(hash ^ BigInt(byte));
  return hash;
}

/** Makes a key: once a task. */
export function randomKey(seed: number, system: string, tick: number): RandomKey {
  const start = mix(mix(BigInt(Math.trunc(seed)) & MASK) ^ hashName(system));
  const a = mix((start + BigInt(Math.trunc(tick))) & MASK);
  return { a, b: mix(a ^ 0x3c79ac492ba7b653n) };
}

/** A number of [0, 1) with 53 random bits. */
export function randomAt(key: RandomKey, entity: number, draw: number): number {
  const stream = (mix(BigInt(entity) ^ key.a) + key.b) & MASK;
  const bits = mix((stream + BigInt(draw) * 0x9e3779b97f4a7c15n) & MASK);
  return Number(bits >> 11n) * 2 ** -53;
}
