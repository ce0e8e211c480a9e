// SPDX-License-Identifier: MIT
// The limit of a round trip to a worker: two words of shared memory. A request raises word 0 and
// the worker answers by setting word 1 to it; it polls for a while, then sleeps until it is woken.
// A request of -1 ends it.

import { workerData } from 'node:worker_threads';

const POLLS = 20_000;
const words = workerData as Int32Array;

let seen = 0;
while (seen !== -1) {
  let polls = POLLS;
  while (Atomics.load(words, 0) === seen) {
    if (polls-- > 0) continue;
    Atomics.store(words, 2, 1);
    Atomics.wait(words, 0, seen);
    Atomics.store(words, 2, 0);
  }
  seen = Atomics.load(words, 0);
  Atomics.store(words, 1, seen);
}
