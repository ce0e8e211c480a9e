// SPDX-License-Identifier: MIT
// A browser worker as in the notes: gets the bare input by onmessage, posts the bare result.
self.onmessage = event => {
  const { act, value } = event.data;
  if (act === 'throw') throw new TypeError('raw, on purpose');
  if (act === 'loop') for (;;);
  if (act === 'later') return void setTimeout(() => self.postMessage(value), 20);
  self.postMessage(act === 'count' ? (self.calls = (self.calls ?? 0) + 1) : value);
};
