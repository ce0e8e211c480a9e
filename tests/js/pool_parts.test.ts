// SPDX-License-Identifier: MIT
// Parts of the pool by themselves: the queue's heap against sorting, random numbers against BigInt,
// errors packed and made again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PatchError } from 'skep';
import { packError, unpackError } from '../../js/dist/pool/faults.js';
import { randomAt, randomKey } from '../../js/dist/pool/random.js';
import { TaskQueue, type Task } from '../../js/dist/pool/task.js';

function task(id: number, priority: number): Task {
  return { id, priority, place: -1 } as Task;
}

test('the queue gives tasks in order, whatever is taken from its middle', () => {
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 200; round++) {
    const queue = new TaskQueue();
    let model: Task[] = [];
    for (let id = 0; id < 60; id++) {
      const action = random(10);
      if (action < 6) {
        const t = task(id, random(4));
        queue.push(t);
        model.push(t);
      } else if (action < 8 && model.length) {
        const [t] = model.splice(random(model.length), 1);
        queue.remove(t!);
        queue.remove(t!);
        assert.equal(t!.place, -1);
      } else {
        model.sort((a, b) => b.priority - a.priority || a.id - b.id);
        assert.equal(queue.peek(), model[0]);
        assert.equal(queue.pop(), model.shift());
      }
      assert.equal(queue.length, model.length);
    }
    model = model.sort((a, b) => b.priority - a.priority || a.id - b.id);
    assert.deepEqual(queue.takeAll(), model);
    assert.equal(queue.pop(), undefined);
  }
});

const MASK = (1n << 64n) - 1n;

function mix(x: bigint): bigint {
  let z = (x + 0x9e3779b97f4a7c15n) & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

test("random numbers have the core's bits, given its key", () => {
  for (let i = 0; i < 2000; i++) {
    const a = mix(BigInt(i));
    const b = mix(a);
    const entity = (i % 7) * 2 ** 40 + i * 977;
    const draw = i % 2 ? i : 0xffffffff - i;
    const words = BigUint64Array.of(a, b);
    const stream = (mix(BigInt(entity) ^ a) + b) & MASK;
    const bits = mix((stream + BigInt(draw) * 0x9e3779b97f4a7c15n) & MASK);
    const got = randomAt(new Uint32Array(words.buffer), entity, draw);
    assert.equal(got, Number(bits >> 11n) * 2 ** -53, `entity ${entity}, draw ${draw}`);
  }
});

test('keys differ by seed, name and tick', () => {
  const keys = new Set<string>();
  for (const seed of [0, 1, 2 ** 40]) {
    for (const name of ['a', 'b', 'ab', 'ba']) {
      for (const tick of [0, 1, 2 ** 33]) keys.add([...randomKey(seed, name, tick)].join());
    }
  }
  assert.equal(keys.size, 36);
});

function again(error: unknown): unknown {
  return unpackError(structuredClone(packError(error)));
}

test('P9: errors are made again, of their class where it is built in', () => {
  const types = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, Error];
  for (const type of types) {
    const made = again(new type('message')) as Error;
    assert.ok(made instanceof type);
    assert.deepEqual([made.name, made.message], [new type().name, 'message']);
  }
  const patch = again(new PatchError('wrong', 3, { hint: 'so' })) as PatchError;
  const { name, message, index, code, hint } = patch;
  assert.deepEqual([name, message, index, code, hint], ['PatchError', 'wrong', 3, 'E_PATCH', 'so']);
  const dom = again(new DOMException('no', 'NotFoundError')) as Error;
  assert.deepEqual([dom.name, dom.message], ['NotFoundError', 'no']);
});

test('an AggregateError keeps its errors, and errors in properties stay errors', () => {
  const all = new AggregateError([new TypeError('a'), 'b'], 'all');
  const made = again(all) as AggregateError;
  assert.equal(made.name, 'AggregateError');
  assert.ok(made.errors[0] instanceof TypeError);
  assert.equal(made.errors[1], 'b');
  const outer = Object.assign(new Error('outer'), { inner: new RangeError('inner') });
  assert.ok((again(outer) as typeof outer).inner instanceof RangeError);
});

test('a chain of causes without end, and thousands of properties, come through bounded', () => {
  let error = new Error('0');
  for (let i = 1; i < 100; i++) error = new Error(String(i), { cause: error });
  let depth = 0;
  for (let e = again(error); e instanceof Error; e = e.cause) depth++;
  assert.ok(depth > 5 && depth < 20, `depth ${depth}`);
  const wide = Object.assign(
    new Error('wide'),
    Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i])),
  );
  assert.ok(Object.keys(again(wide) as object).length < 100);
});

test('what is thrown and is no error comes through as it is, or as text', () => {
  for (const thrown of [undefined, null, 0, 'text', 5n]) assert.equal(again(thrown), thrown);
  assert.deepEqual(again({ a: [1] }), { a: [1] });
  assert.equal(again(Symbol('s')), 'Symbol(s)');
  const nothing = Object.create(null) as object;
  Object.assign(nothing, { f: () => 1 });
  assert.equal(typeof again(nothing), 'string');
  const poisoned = Object.assign(Object.create({}) as object, JSON.parse('{"__proto__": 1}'));
  assert.doesNotThrow(() => again(Object.assign(new Error('x'), poisoned)));
});
