// SPDX-License-Identifier: MIT
// skep/math against skep/math.h, by bits: the checksum that the C tests pin, computed through
// JavaScript; millions of arguments against a native program made of the same C functions; the
// special cases by themselves; and the list of names.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as math from 'skep/math';

type Call = (x: number, y: number) => number;

const root = join(import.meta.dirname, '..', '..');
const out: [number, number] = [0, 0];

/** Every function as one of two arguments, by its exported name. */
const calls = new Map<string, Call>();
for (const [name, fn] of Object.entries(math)) calls.set(name, fn as Call);
calls.set('clamp', x => math.clamp(x, -1, 1));
calls.set('clampF32', x => math.clampF32(x, -1, 1));
calls.set('sincos', x => (math.sincos(x, out), out[0] + 2 * out[1]));
calls.set('sincosF32', x => (math.sincosF32(x, out), out[0] + 2 * out[1]));

const wide = new Float64Array(1);
const words = new Uint32Array(wide.buffer);
const narrow = new Float32Array(1);
const narrowBits = new Uint32Array(narrow.buffer);

function fromWords(high: number, low: number): number {
  words[0] = low;
  words[1] = high;
  return wide[0]!;
}

/** Puts a result's bits into `words`, any NaN as the canonical one. */
function setWords(result: number): void {
  if (result === result) {
    wide[0] = result;
  } else {
    words[0] = 0;
    words[1] = 0x7ff80000;
  }
}

function show(x: number): string {
  return Object.is(x, -0) ? '-0' : String(x);
}

function same(got: number, want: number, what: string): void {
  assert.ok(Object.is(got, want), `${what} gave ${show(got)}, not ${show(want)}`);
}

// ---- The C tests' checksum ----

const MASK = (1n << 64n) - 1n;
const ROWS = 256;
const ROUNDS = 64;

function mix64(n: bigint): bigint {
  let z = (n * 0x9e3779b97f4a7c15n) & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

function checksumF32(n: number): number {
  const m = mix64(BigInt(n));
  const unit = Math.fround(Math.fround(Number(m >> 32n) | 0) * 2 ** -31);
  if (n % 4 === 0) {
    narrowBits[0] = Number(m & 0xffffffffn);
    return narrow[0]!;
  }
  if (n % 4 === 1) return Math.fround(unit * 100);
  return n % 4 === 2 ? Math.fround(1 + Math.fround(0.25 * unit)) : unit;
}

function checksumF64(n: number): number {
  const m = mix64(BigInt(n));
  const high = Number(m >> 32n);
  const low = Number(m & 0xffffffffn);
  const unit = (high | 0) * 2 ** -31 + low * 2 ** -63;
  if (n % 4 === 0) return fromWords(high, low);
  if (n % 4 === 1) return unit * 700;
  return n % 4 === 2 ? 1 + 0.25 * unit : unit;
}

function add64(sum: bigint, bits: bigint): bigint {
  const turned = ((sum << 23n) & MASK) | (sum >> 41n);
  return ((turned ^ bits) * 0x9e3779b97f4a7c15n) & MASK;
}

function addF32(sum: bigint, value: number): bigint {
  narrow[0] = value;
  return add64(sum, value === value ? BigInt(narrowBits[0]!) : 0x7fc00000n);
}

function addF64(sum: bigint, value: number): bigint {
  setWords(value);
  return add64(sum, (BigInt(words[1]!) << 32n) | BigInt(words[0]!));
}

/** The header's expected value, e.g. of CHECKSUM_F32. */
function pinned(name: string): bigint {
  const text = readFileSync(join(root, 'tests', 'unit', 'math_checksum.h'), 'utf8');
  const found = new RegExp(`#define ${name} (0x[0-9a-f]+)u`).exec(text);
  assert.ok(found, `math_checksum.h no longer defines ${name}`);
  return BigInt(found[1]!);
}

test('f32 functions give the checksum that the C tests pin', () => {
  const order = [
    'sin',
    'cos',
    'tan',
    'asin',
    'acos',
    'atan',
    'exp',
    'log',
    'atan2',
    'pow',
    'sqrt',
    'floor',
    'ceil',
    'trunc',
    'round',
    'min',
    'max',
    'clamp',
  ];
  let sum = 0n;
  for (let round = 0; round < ROUNDS; round++) {
    const x = Array.from({ length: ROWS }, (_, i) => checksumF32(round * ROWS + i));
    const y = Array.from({ length: ROWS }, (_, i) =>
      checksumF32((round + 1000) * ROWS + i + Math.floor(i / 4)),
    );
    for (const name of order) {
      const call = calls.get(`${name}F32`)!;
      for (let i = 0; i < ROWS; i++) sum = addF32(sum, call(x[i]!, y[i]!));
    }
    for (const half of [0, 1] as const) {
      for (let i = 0; i < ROWS; i++) {
        math.sincosF32(x[i]!, out);
        sum = addF32(sum, out[half]);
      }
    }
  }
  assert.equal(sum, pinned('CHECKSUM_F32'));
});

test('f64 functions give the checksum that the C tests pin', () => {
  const order = [
    'sin',
    'cos',
    'tan',
    'asin',
    'acos',
    'atan',
    'exp',
    'log',
    'atan2',
    'pow',
    'sqrt',
    'floor',
    'ceil',
    'trunc',
    'round',
    'min',
    'max',
    'clamp',
  ].map(name => calls.get(name)!);
  let sum = 0n;
  for (let n = 0; n < ROUNDS * ROWS; n++) {
    const x = checksumF64(n);
    const y = checksumF64(n + Math.floor(n / 4) + 1000000);
    math.sincos(x, out);
    sum = addF64(addF64(sum, out[0]), out[1]);
    for (const call of order) sum = addF64(sum, call(x, y));
  }
  assert.equal(sum, pinned('CHECKSUM_F64'));
});

// ---- Millions of arguments against the native functions ----

const CHUNKS = 16;
const CHUNK = 16384;

function mix(n: number): number {
  n = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
  n = Math.imul(n ^ (n >>> 13), 0xc2b2ae35);
  return (n ^ (n >>> 16)) >>> 0;
}

function argument(n: number, isNarrow: boolean): number {
  const high = mix(2 * n);
  const low = mix(2 * n + 1);
  const unit = (high | 0) * 2 ** -31 + low * 2 ** -63;
  if (n % 4 === 0 && isNarrow) {
    narrowBits[0] = high;
    return narrow[0]!;
  }
  if (n % 4 === 0) return fromWords(high, low);
  if (n % 4 === 1) return unit * 100;
  return n % 4 === 2 ? 1 + 0.25 * unit : unit;
}

function hashAdd(hash: number, result: number): number {
  setWords(result);
  hash = Math.imul(hash ^ words[0]!, 0x9e3779b1);
  return Math.imul(((hash << 13) | (hash >>> 19)) ^ words[1]!, 0x85ebca6b);
}

function chunkHash(call: Call, isNarrow: boolean, chunk: number): number {
  let hash = 0;
  for (let n = chunk * CHUNK; n < (chunk + 1) * CHUNK; n++) {
    const y = argument(n + Math.floor(n / 4) + 1000003, isNarrow);
    hash = hashAdd(hash, call(argument(n, isNarrow), y));
  }
  return hash >>> 0;
}

/** Compiles and runs tests/js/math_native.c; the hashes of each function's chunks by its name. */
function nativeHashes(): Map<string, number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'skep-math-'));
  try {
    const base = join(root, 'core', 'base');
    const library = readdirSync(base).filter(name => /^math_\w+\.c$/.test(name));
    const program = join(folder, 'math_native');
    execFileSync('cc', [
      '-std=c17',
      '-O2',
      '-ffp-contract=off',
      '-I',
      root,
      '-I',
      join(root, 'include'),
      '-o',
      program,
      join(root, 'tests', 'js', 'math_native.c'),
      ...library.map(name => join(base, name)),
    ]);
    const text = execFileSync(program, [String(CHUNKS), String(CHUNK)], { encoding: 'utf8' });
    return new Map(
      text
        .trim()
        .split('\n')
        .map(line => {
          const [name, ...hashes] = line.split(' ');
          return [name!, hashes.map(Number)];
        }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('every function has the native bits over 262,144 arguments', () => {
  const native = nativeHashes();
  assert.deepEqual(
    [...native.keys()].sort(),
    [...calls.keys()].sort(),
    'math_native.c and skep/math do not have the same functions',
  );
  for (const [name, want] of native) {
    const call = calls.get(name)!;
    assert.equal(want.length, CHUNKS);
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      assert.equal(
        chunkHash(call, name.endsWith('F32'), chunk),
        want[chunk],
        `${name} differs from C within arguments ${chunk * CHUNK} to ${(chunk + 1) * CHUNK - 1}`,
      );
    }
  }
});

// ---- Special cases ----

const LEAST = 2 ** -1074;
const LEAST_F32 = 2 ** -149;

/** Name, arguments, result; for the f64 function and, since all are floats, the f32 one. */
const specials: [string, number[], number][] = [
  ['sin', [-0], -0],
  ['sin', [Infinity], NaN],
  ['cos', [-Infinity], NaN],
  ['cos', [-0], 1],
  ['tan', [-0], -0],
  ['tan', [Infinity], NaN],
  ['asin', [-0], -0],
  ['asin', [2], NaN],
  ['acos', [1], 0],
  ['acos', [-1.5], NaN],
  ['atan', [-0], -0],
  ['exp', [-Infinity], 0],
  ['exp', [Infinity], Infinity],
  ['exp', [-0], 1],
  ['exp', [1000], Infinity],
  ['exp', [-1000], 0],
  ['log', [0], -Infinity],
  ['log', [-0], -Infinity],
  ['log', [-1], NaN],
  ['log', [1], 0],
  ['log', [Infinity], Infinity],
  ['pow', [NaN, 0], 1],
  ['pow', [1, NaN], 1],
  ['pow', [-1, Infinity], 1],
  ['pow', [-0, -3], -Infinity],
  ['pow', [-0, 0.5], 0],
  ['pow', [-2, 3], -8],
  ['pow', [-2, 0.5], NaN],
  ['pow', [-Infinity, -3], -0],
  ['pow', [0.5, -Infinity], Infinity],
  ['atan2', [0, 1], 0],
  ['atan2', [-0, 1], -0],
  ['atan2', [NaN, 1], NaN],
  ['sqrt', [-0], -0],
  ['sqrt', [-1], NaN],
  ['abs', [-0], 0],
  ['abs', [-Infinity], Infinity],
  ['copysign', [3, -0], -3],
  ['copysign', [-3, Infinity], 3],
  ['copysign', [3, -Infinity], -3],
  ['copysign', [-3, NaN], 3],
  ['min', [0, -0], -0],
  ['min', [-0, 0], 0],
  ['min', [NaN, 1], 1],
  ['min', [1, NaN], NaN],
  ['max', [0, -0], -0],
  ['max', [-0, 0], 0],
  ['max', [NaN, 1], 1],
  ['max', [1, NaN], NaN],
  ['clamp', [NaN, -1, 1], -1],
  ['clamp', [-0, -1, 1], -0],
  ['clamp', [-0, 0, 1], 0],
  ['clamp', [7, -1, 1], 1],
  ['floor', [-0], -0],
  ['floor', [-0.5], -1],
  ['ceil', [-0.5], -0],
  ['trunc', [-0.5], -0],
  ['trunc', [-1.5], -1],
  ['round', [-0.5], -0],
  ['round', [0.5], 0],
  ['round', [1.5], 2],
  ['round', [2.5], 2],
  ['round', [-2.5], -2],
  ['round', [-0], -0],
  ['round', [8388609], 8388609],
  ['round', [-Infinity], -Infinity],
  ['round', [NaN], NaN],
];

test('special cases', () => {
  const functions = math as unknown as Record<string, (...args: number[]) => number>;
  for (const [name, args, want] of specials) {
    for (const suffix of ['', 'F32']) {
      const got = functions[name + suffix]!(...args);
      same(got, want, `${name}${suffix}(${args.map(show).join(', ')})`);
    }
  }
});

test('subnormal and huge arguments', () => {
  same(math.sin(LEAST), LEAST, 'sin of the least number');
  same(math.sinF32(-LEAST_F32), -LEAST_F32, 'sinF32 of the least float');
  same(math.exp(-745), LEAST, 'exp(-745)');
  same(math.pow(2, -1074), LEAST, 'pow(2, -1074)');
  same(math.powF32(2, -149), LEAST_F32, 'powF32(2, -149)');
  same(math.sin(1e22), -0.8522008497671888, 'sin(1e22)');
  same(math.round(2 ** 52 + 1), 2 ** 52 + 1, 'round(2^52 + 1)');
  same(math.round(0.49999999999999994), 0, 'round of the number below 0.5');
});

test('F32 functions round their arguments to f32 first', () => {
  const x = 1 + 2 ** -40;
  same(math.absF32(x), 1, 'absF32');
  same(math.minF32(x, x), 1, 'minF32');
  same(math.floorF32(-1e-60), -0, 'floorF32 of what is -0 as f32');
  same(math.logF32(x), 0, 'logF32');
});

test('sincos writes both, into arrays of any kind', () => {
  const column = new Float32Array(2);
  math.sincosF32(0.75, column);
  same(column[0]!, math.sinF32(0.75), 'the sine');
  same(column[1]!, math.cosF32(0.75), 'the cosine');
  math.sincos(0.75, out);
  same(out[0], math.sin(0.75), 'the sine');
  same(out[1], math.cos(0.75), 'the cosine');
});

// ---- Names ----

test('all functions of skep/math.h are here', () => {
  const header = readFileSync(join(root, 'include', 'skep', 'math.h'), 'utf8');
  const names = new Set<string>();
  for (const found of header.matchAll(/\bskep_([a-z]\w*)_f(32|64)\(/g)) {
    names.add(found[1]! + (found[2] === '32' ? 'F32' : ''));
  }
  assert.ok(names.size > 40, `found only ${names.size} functions in the header`);
  // JavaScript cannot tell one NaN from another, and has Number.isNaN.
  for (const name of ['is_nan', 'canonical']) {
    names.delete(name);
    names.delete(`${name}F32`);
  }
  assert.deepEqual(Object.keys(math).sort(), [...names].sort());
  assert.match(header, /#define SKEP_PI 0x1\.921fb54442d18p\+1\n/);
  assert.equal(Math.PI, 0x1921fb54442d18 / 2 ** 51);
});

test('where wasm is missing the error says so, and exact functions still work', () => {
  const script = `import('skep/math').then((m) => {
    try { m.sin(1); } catch (e) { console.log(e.name, e.code, m.round(2.5)); }
  });`;
  const text = execFileSync(process.execPath, ['--jitless', '--no-warnings', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(text, 'SkepError E_UNSUPPORTED 2\n');
});
