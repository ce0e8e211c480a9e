// SPDX-License-Identifier: MIT
// Assertions for code that runs in Node and in pages alike: each says what it expected.

export function fail(message: string): never {
  throw new Error(message);
}

export function ok(value: unknown, message: string): asserts value {
  if (!value) fail(message);
}

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint' ? `${part}n` : part === undefined ? 'undefined' : part,
  );
  return text ?? String(value);
}

/** Compares by value; typed arrays and arrays are the same when their elements are. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
  const list = (x: object): boolean => Array.isArray(x) || ArrayBuffer.isView(x);
  if (list(a) !== list(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(key =>
    same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

export function equal(found: unknown, expected: unknown, what: string): void {
  if (!same(found, expected)) fail(`${what}: expected ${show(expected)}, got ${show(found)}`);
}

export function match(text: string, pattern: RegExp, what: string): void {
  if (!pattern.test(text)) fail(`${what}: expected ${pattern}, got ${JSON.stringify(text)}`);
}

/** What a call throws, or its promise rejects with. */
export async function failure(call: () => unknown): Promise<Error & Record<string, unknown>> {
  let value: unknown;
  try {
    value = await call();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  return fail(`it gave ${show(value)}, an error was expected`);
}
