// SPDX-License-Identifier: MIT
// A worker with an extension, as the executors register theirs.

import { serve } from 'skep/worker';
import { registerHandler } from '../../../js/dist/pool/worker_runtime.js';
import { acts } from './acts.ts';

interface Probe {
  what: string;
  memory?: SharedArrayBuffer;
  url?: string;
}

registerHandler('test.probe', async (data, reply, context) => {
  const { what, memory, url } = data as Probe;
  if (what === 'who') {
    const { slot, generation, jobs } = context;
    reply({ slot, generation, jobs: [...jobs.keys()] });
  } else if (what === 'load') {
    const job = (await context.loadJob(url!)) as (input: number) => unknown;
    reply(await job(7));
  } else if (what === 'other') {
    context.post('test.other', what);
  } else if (what === 'hang') {
    reply('hanging');
    await new Promise(() => {});
  } else if (what === 'beat') {
    const words = new Int32Array(memory!);
    for (;;) Atomics.add(words, 0, 1);
  } else {
    throw new RangeError(`no ${what}`);
  }
});
registerHandler('test.throw', () => {
  throw new TypeError('thrown by a handler');
});

serve(acts);
