// SPDX-License-Identifier: MIT
// How what went wrong in a worker reaches the caller whole: errors are packed into plain objects
// (name, message, stack, own properties, cause, the errors of an AggregateError), and made again on
// the other side; a value that cannot be cloned is searched for the key that is to blame. Nothing
// here may throw, whatever a job throws.

import { JobError, SkepError, type JobErrorDetails, type SkepErrorCode } from '../errors.js';
import type { FaultStage } from './protocol.js';

/** An error, or whatever was thrown, as something that can be cloned. */
export type PackedError =
  | { readonly thrown: unknown }
  | {
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly own: readonly (readonly [string, unknown])[];
      readonly cause: PackedError | undefined;
      readonly errors: readonly PackedError[] | undefined;
    };

const DEPTH_MAX = 8;
const OWN_MAX = 64;
const APART = new Set(['name', 'message', 'stack', 'cause', 'errors']);

function attempt<T>(call: () => T, otherwise: T): T {
  try {
    return call();
  } catch {
    return otherwise;
  }
}

function text(value: unknown): string {
  return attempt(() => String(value), 'something that has no text');
}

/** Whether it is an error, of this realm or another. */
function isError(value: unknown): value is Error {
  return attempt(
    () =>
      value instanceof Error
      || Object.prototype.toString.call(value) === '[object Error]'
      || (typeof DOMException === 'function' && value instanceof DOMException),
    false,
  );
}

function cloneable(value: unknown): unknown {
  return attempt(() => structuredClone(value), text(value));
}

function packOwn(error: object, depth: number): (readonly [string, unknown])[] {
  const own: (readonly [string, unknown])[] = [];
  for (const key of attempt(() => Object.keys(error), [])) {
    if (own.length === OWN_MAX) break;
    if (APART.has(key)) continue;
    const value = attempt(() => (error as Record<string, unknown>)[key], 'a getter that threw');
    own.push([key, isError(value) ? { packed: pack(value, depth + 1) } : cloneable(value)]);
  }
  return own;
}

function pack(error: unknown, depth: number): PackedError {
  if (!isError(error)) return { thrown: cloneable(error) };
  const deeper = depth < DEPTH_MAX;
  const cause = deeper ? attempt(() => error.cause, undefined) : undefined;
  const errors = deeper
    ? attempt(() => (error as AggregateError).errors as unknown, undefined)
    : undefined;
  return {
    name: nameOf(error),
    message: messageOf(error),
    stack: attempt(() => (error.stack === undefined ? undefined : text(error.stack)), undefined),
    own: deeper ? packOwn(error, depth) : [],
    cause: cause === undefined ? undefined : pack(cause, depth + 1),
    errors: Array.isArray(errors)
      ? errors.slice(0, OWN_MAX).map(e => pack(e, depth + 1))
      : undefined,
  };
}

/** Packs what was thrown: an error with its chain, or any other value. */
export function packError(error: unknown): PackedError {
  return pack(error, 0);
}

function builtInError(name: string): ErrorConstructor {
  const known = (globalThis as Record<string, unknown>)[name];
  return typeof known === 'function'
    && known.prototype instanceof Error
    && name !== 'AggregateError'
    && /^[A-Z][A-Za-z]*Error$/.test(name)
    ? (known as ErrorConstructor)
    : Error;
}

function put(target: object, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true });
}

/** Makes the error again: of the same built-in class, else an Error with the same name. Of what is
 * no packed error, since a job posted it itself, some error. */
export function unpackError(packed: unknown): unknown {
  return attempt(
    () => unpack(packed as PackedError),
    new Error('the worker sent an error that cannot be read'),
  );
}

function unpack(packed: PackedError): unknown {
  if ('thrown' in packed) return packed.thrown;
  const make = builtInError(packed.name);
  const error = new make(packed.message);
  if (error.name !== packed.name) put(error, 'name', packed.name);
  put(error, 'stack', packed.stack);
  for (const [key, value] of packed.own) {
    const inner = (value as { packed?: PackedError } | null)?.packed;
    put(error, key, inner ? unpack(inner) : value, true);
  }
  if (packed.cause) put(error, 'cause', unpack(packed.cause));
  if (packed.errors) put(error, 'errors', packed.errors.map(unpack));
  return error;
}

function nameOf(error: Error): string {
  return text(attempt(() => error.name, 'Error'));
}

function messageOf(error: Error): string {
  return text(attempt(() => error.message, ''));
}

/** What was thrown, in one line. */
export function describe(error: unknown): string {
  if (!isError(error)) return `threw ${text(error)}`;
  return `${nameOf(error)}: ${messageOf(error)}`;
}

/** What was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(describe(thrown), { cause: thrown });
}

const KINDS: Readonly<Record<string, string>> = { function: 'a function', symbol: 'a symbol' };

/** The keys of a thing's parts, and the parts; of what has none, null. */
function partsOf(value: object): [string, unknown][] | null {
  if (Array.isArray(value)) return value.map((item, i) => [`[${i}]`, item]);
  if (value instanceof Map) {
    return [...value].flatMap(([key, item], i): [string, unknown][] => [
      [`(key ${i})`, key],
      [`(value of ${text(key)})`, item],
    ]);
  }
  if (value instanceof Set) return [...value].map((item, i) => [`(item ${i})`, item]);
  const proto = Object.getPrototypeOf(value) as object | null;
  if (proto === null || proto === Object.prototype || !isBuiltIn(value)) {
    return Object.keys(value).map(key => [key, (value as Record<string, unknown>)[key]]);
  }
  return null;
}

function isBuiltIn(value: object): boolean {
  return Object.prototype.toString.call(value) !== '[object Object]';
}

function clones(value: unknown): boolean {
  return attempt(() => (structuredClone(value), true), false);
}

function className(value: object): string {
  return text(attempt(() => value.constructor.name, '') || 'an object that cannot be cloned');
}

function join(path: string, key: string): string {
  return !path || /^[[(]/.test(key) ? path + key : `${path}.${key}`;
}

/** Finds what keeps a value from being cloned, as 'key "a.b" is a function'; '' when it finds
 * nothing. Walks the whole value, so only for when cloning failed. */
export function findUncloneable(root: unknown): string {
  const seen = new Set<object>();
  const stack: [string, unknown][] = [['', root]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [path, value] = next;
    const where = path ? `key "${path}"` : 'the value itself';
    const kind = KINDS[typeof value];
    if (kind) return `${where} is ${kind}`;
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    const parts = attempt(() => partsOf(value), undefined);
    if (parts === undefined) return `${where} has a getter that throws`;
    if (parts) {
      for (const [key, part] of parts.reverse()) stack.push([join(path, key), part]);
    } else if (!clones(value)) return `${where} is a ${className(value)}`;
  }
  return '';
}

/** The error of a value that could not be copied here. */
export function copyFault(what: string, value: unknown, cause: unknown, hint: string): SkepError {
  const text = `DataCloneError in ${what}: ${findUncloneable(value)}`;
  return new SkepError('E_ARGUMENT', text, { cause, hint });
}

/** The error of a value that could not be posted: says in which part of which job it was. */
export function cloneFault(
  part: 'input' | 'output' | 'extra',
  details: JobErrorDetails,
  cause: unknown,
  note: string,
): JobError {
  const name = isError(cause) ? nameOf(cause) : 'DataCloneError';
  const what = note || (isError(cause) ? messageOf(cause) : text(cause));
  return new JobError(`${name} in \`${part}\` of job "${details.system}": ${what}`, details, {
    code: part === 'output' ? 'E_JOB' : 'E_ARGUMENT',
    cause,
    hint: 'pass only what structuredClone can copy',
  });
}

/** The error of a job that threw, could not be loaded or gave what cannot be posted. */
export function jobFault(
  stage: FaultStage,
  details: JobErrorDetails,
  cause: unknown,
  note = '',
): JobError {
  if (stage === 'output') return cloneFault('output', details, cause, note);
  const code: SkepErrorCode = stage === 'load' ? 'E_MODULE' : 'E_JOB';
  const what = stage === 'load' ? 'could not be loaded: ' : '';
  return new JobError(`job "${details.system}": ${what}${describe(cause)}`, details, {
    code,
    cause,
  });
}
