// SPDX-License-Identifier: MIT
// A worker for browser_harness.test.ts. It answers a message with words by waiting on them, one
// with `echo` by a number one higher; it imports skep to show that imports reach workers.

import { cos } from 'skep/math';

interface Ask {
  words?: Int32Array;
  echo?: number;
}

const scope = globalThis as unknown as {
  onmessage: (event: { data: Ask }) => void;
  postMessage(message: unknown): void;
};

scope.onmessage = async ({ data }) => {
  if (data.words) {
    const words = data.words;
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    // Blocks this thread until the page has written, or not at all where it has already.
    const blocked = Atomics.wait(words, 1, 0, 20_000);
    const waitAsync = typeof Reflect.get(Atomics, 'waitAsync') === 'function';
    const late = waitAsync ? Atomics.waitAsync(words, 2, 0, 1) : { value: 'timed-out' };
    scope.postMessage({
      blocked: blocked === 'timed-out' ? blocked : 'woken',
      word: Atomics.load(words, 1),
      waitAsync: await late.value,
      isolated: globalThis.crossOriginIsolated,
      cosine: cos(0),
    });
  } else {
    scope.postMessage((data.echo ?? 0) + cos(0));
  }
};
