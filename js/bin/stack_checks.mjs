// SPDX-License-Identifier: MIT
// Makes a wasm file trap where its C stack ends. The compiler moves the stack pointer by writing a
// global; behind each write that makes room, this puts a comparison with a second global, the
// limit, which it adds and exports as __stack_limit. Whoever runs the module sets the limit of each
// thread; until then it is 0, the end of the first stack. A trap there comes before anything is
// written, and leaves the stack pointer below the limit, which is how it is told from other traps.
//
// Nothing else in the file changes: functions, locals and branches keep their numbers. Positions in
// the code do change, so debug sections that hold some are left out.

/** What the limit is exported as. */
export const LIMIT = '__stack_limit';

const SECTION = { custom: 0, import: 2, global: 6, export: 7, code: 10 };
const OP = { if: 0x04, end: 0x0b, globalGet: 0x23, globalSet: 0x24, i32Const: 0x41, i32Add: 0x6a };
const I32 = 0x7f;
const MUTABLE = 1;
const NO_RESULT = 0x40;
const UNREACHABLE = 0x00;
const I32_LESS_SIGNED = 0x48;

/** Reads numbers and names; every position is checked, so a broken file is an error and no loop. */
class Reader {
  /** @param {Uint8Array} bytes @param {number} at @param {number} end */
  constructor(bytes, at, end) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte() {
    if (this.at >= this.end) throw new Error('the wasm file ends too early');
    return /** @type {number} */ (this.bytes[this.at++]);
  }

  /** An unsigned number of at most 32 bits. */
  number() {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Error('the wasm file holds a number of more than 32 bits');
  }

  /** Passes over a signed number of any length; returns its first byte. */
  signed() {
    const first = this.byte();
    for (let byte = first; byte >= 128;) byte = this.byte();
    return first;
  }

  /** @param {number} bytes */
  skip(bytes) {
    if (bytes > this.end - this.at) throw new Error('the wasm file ends too early');
    this.at += bytes;
  }

  name() {
    const length = this.number();
    this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }
}

/** Collects bytes. */
class Writer {
  constructor() {
    /** @type {number[]} */
    this.out = [];
  }

  /** @param {number} value */
  number(value) {
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) return void this.out.push(rest);
      this.out.push((rest % 128) + 128);
    }
  }

  /** @param {Iterable<number>} bytes */
  bytes(bytes) {
    for (const byte of bytes) this.out.push(byte);
  }

  /** A block of bytes behind its length. @param {readonly number[]} bytes */
  sized(bytes) {
    this.number(bytes.length);
    this.bytes(bytes);
  }
}

// ---- instructions -------------------------------------------------------------------------------

/** Alignment and offset of a load or store; with bit 6 of the alignment, a memory's number.
 * @param {Reader} r */
function memory(r) {
  if (r.number() & 64) r.number();
  r.number();
}

/** @param {Reader} r */
function vector(r) {
  for (let count = r.number(); count > 0; count--) r.number();
}

/** @param {Reader} r */
function tryTable(r) {
  r.signed();
  for (let count = r.number(); count > 0; count--) {
    if (r.byte() < 2) r.number();
    r.number();
  }
}

/** Immediates of instructions of one byte; those that are not here and below 0xc5 have none.
 * @type {Readonly<Record<number, (r: Reader) => void>>} */
const IMMEDIATES = {
  0x02: r => void r.signed(),
  0x03: r => void r.signed(),
  0x04: r => void r.signed(),
  0x06: r => void r.signed(),
  0x0e: r => {
    vector(r);
    r.number();
  },
  0x1c: vector,
  0x1f: tryTable,
  0x41: r => void r.signed(),
  0x42: r => void r.signed(),
  0x43: r => r.skip(4),
  0x44: r => r.skip(8),
  0xd0: r => void r.signed(),
  0xd1: () => {},
  0xfc: bulk,
  0xfd: simd,
  0xfe: atomic,
};
/** Those with one number, and with two. */
const ONE = new Set([
  0x07, 0x08, 0x09, 0x0c, 0x0d, 0x10, 0x12, 0x14, 0x15, 0x18, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25,
  0x26, 0x3f, 0x40, 0xd2,
]);
const TWO = new Set([0x11, 0x13]);
/** Codes below 0xc5 that no instruction has. */
const NONE = new Set([0x16, 0x17, 0x1d, 0x1e, 0x27]);

/** @param {number} code @param {string} prefix @returns {never} */
function unknown(code, prefix = '') {
  throw new Error(`instruction ${prefix}0x${code.toString(16)} is not known here`);
}

/** @param {Reader} r */
function bulk(r) {
  const code = r.number();
  if (code > 17) unknown(code, '0xfc ');
  const numbers = code < 8 ? 0 : [8, 10, 12, 14].includes(code) ? 2 : 1;
  for (let i = 0; i < numbers; i++) r.number();
}

/** @param {Reader} r */
function simd(r) {
  const code = r.number();
  if (code > 0x113) unknown(code, '0xfd ');
  if (code <= 11 || code === 92 || code === 93) return memory(r);
  if (code === 12 || code === 13) return r.skip(16);
  if (code >= 21 && code <= 34) return r.skip(1);
  if (code >= 84 && code <= 91) {
    memory(r);
    r.skip(1);
  }
}

/** @param {Reader} r */
function atomic(r) {
  const code = r.number();
  if (code === 3) return r.skip(1);
  if (code > 2 && (code < 0x10 || code > 0x4e)) unknown(code, '0xfe ');
  memory(r);
}

/** Passes over the immediates of an instruction. @param {Reader} r @param {number} code */
function immediates(r, code) {
  const own = IMMEDIATES[code];
  if (own) return own(r);
  if (TWO.has(code)) r.number();
  if (TWO.has(code) || ONE.has(code)) r.number();
  else if (memoryAccess(code)) memory(r);
  else if (code > 0xc4 || NONE.has(code)) unknown(code);
}

/** @param {number} code */
function memoryAccess(code) {
  return code >= 0x28 && code <= 0x3e;
}

// ---- functions ----------------------------------------------------------------------------------

/** Copies one function's body with its checks. @param {Reader} r its body @param {number} stack
 * @param {readonly number[]} check @returns {{ body: number[], checks: number }} */
function checkFunction(r, stack, check) {
  const out = new Writer();
  let from = r.at;
  let checks = 0;
  for (let groups = r.number(); groups > 0; groups--) {
    r.number();
    r.signed();
  }
  // A constant that is not negative, added, gives stack back: a function's end.
  let constant = false;
  let back = false;
  while (r.at < r.end) {
    const code = r.byte();
    if (code === OP.globalSet) {
      const index = r.number();
      if (index === stack && !back) {
        out.bytes(r.bytes.subarray(from, r.at));
        out.bytes(check);
        from = r.at;
        checks++;
      }
    } else {
      immediates(r, code);
    }
    back = code === OP.i32Add && constant;
    const last = /** @type {number} */ (r.bytes[r.at - 1]);
    constant = code === OP.i32Const && (last & 64) === 0;
  }
  out.bytes(r.bytes.subarray(from, r.end));
  return { body: out.out, checks };
}

/** @param {Reader} r the section @param {number} stack @param {number} limit */
function checkCode(r, stack, limit) {
  const number = new Writer();
  number.number(stack);
  const limitNumber = new Writer();
  limitNumber.number(limit);
  const check = [
    OP.globalGet,
    ...number.out,
    OP.globalGet,
    ...limitNumber.out,
    I32_LESS_SIGNED,
    OP.if,
    NO_RESULT,
    UNREACHABLE,
    OP.end,
  ];
  const out = new Writer();
  const count = r.number();
  out.number(count);
  let checks = 0;
  for (let f = 0; f < count; f++) {
    const size = r.number();
    const end = r.at + size;
    if (end > r.end) throw new Error('the wasm file ends too early');
    const done = checkFunction(new Reader(r.bytes, r.at, end), stack, check);
    out.sized(done.body);
    checks += done.checks;
    r.at = end;
  }
  return { bytes: out.out, checks };
}

// ---- the file -----------------------------------------------------------------------------------

/** @param {Uint8Array} bytes */
function* sections(bytes) {
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (magic.some((byte, i) => bytes[i] !== byte)) throw new Error('this is no wasm file');
  const r = new Reader(bytes, 8, bytes.length);
  while (r.at < r.end) {
    const id = r.byte();
    const size = r.number();
    const from = r.at;
    r.skip(size);
    yield { id, from, end: r.at };
  }
}

/** How many globals are imported. @param {Reader} r */
function importedGlobals(r) {
  let globals = 0;
  const limits = () => {
    const flags = r.byte();
    r.signed();
    if (flags & 1) r.signed();
  };
  for (let count = r.number(); count > 0; count--) {
    r.name();
    r.name();
    const kind = r.byte();
    if (kind === 0) r.number();
    if (kind === 1) r.signed();
    if (kind === 1 || kind === 2) limits();
    if (kind === 3) {
      r.signed();
      r.byte();
      globals++;
    }
    if (kind === 4) (r.skip(1), r.number());
    if (kind > 4) throw new Error(`an import of kind ${kind} is not known here`);
  }
  return globals;
}

/** The number of an exported global, or -1. @param {Reader} r @param {string} wanted */
function exportedGlobal(r, wanted) {
  for (let count = r.number(); count > 0; count--) {
    const name = r.name();
    const kind = r.byte();
    const index = r.number();
    if (name === wanted && kind === 3) return index;
  }
  return -1;
}

/** A section with one entry more. @param {Reader} r @param {readonly number[]} entry */
function withEntry(r, entry) {
  const out = new Writer();
  out.number(r.number() + 1);
  out.bytes(r.bytes.subarray(r.at, r.end));
  out.bytes(entry);
  return out.out;
}

/** @param {number} index */
function limitExport(index) {
  const out = new Writer();
  out.sized([...new TextEncoder().encode(LIMIT)]);
  out.out.push(3);
  out.number(index);
  return out.out;
}

/** Finds what the checks need: the stack pointer's number, and the one that the limit will have.
 * @param {Uint8Array} bytes */
function survey(bytes) {
  let globals = 0;
  let stack = -1;
  for (const { id, from, end } of sections(bytes)) {
    const r = new Reader(bytes, from, end);
    if (id === SECTION.import) globals += importedGlobals(r);
    if (id === SECTION.global) globals += r.number();
    if (id !== SECTION.export) continue;
    stack = exportedGlobal(r, '__stack_pointer');
    if (exportedGlobal(new Reader(bytes, from, end), LIMIT) >= 0) {
      throw new Error('the wasm file has stack checks already');
    }
  }
  if (stack < 0) throw new Error('the wasm file does not export __stack_pointer');
  return { stack, limit: globals };
}

/** A section's name, of a custom one. @param {Reader} r */
function isDebug(r) {
  return /^(\.debug_|sourceMappingURL$|external_debug_info$)/.test(r.name());
}

/** Puts the checks into a wasm file that exports its __stack_pointer. Returns the new file and the
 * number of checks; throws Error where that cannot be done. @param {Uint8Array} bytes
 * @returns {{ bytes: Uint8Array, checks: number }} */
export function addStackChecks(bytes) {
  const { stack, limit } = survey(bytes);
  const out = new Writer();
  out.bytes(bytes.subarray(0, 8));
  let checks = 0;
  for (const { id, from, end } of sections(bytes)) {
    const r = new Reader(bytes, from, end);
    if (id === SECTION.custom && isDebug(new Reader(bytes, from, end))) continue;
    out.out.push(id);
    if (id === SECTION.global) {
      out.sized(withEntry(r, [I32, MUTABLE, OP.i32Const, 0, OP.end]));
    } else if (id === SECTION.export) {
      out.sized(withEntry(r, limitExport(limit)));
    } else if (id === SECTION.code) {
      const code = checkCode(r, stack, limit);
      checks = code.checks;
      out.sized(code.bytes);
    } else {
      out.number(end - from);
      out.bytes(bytes.subarray(from, end));
    }
  }
  return { bytes: Uint8Array.from(out.out), checks };
}
