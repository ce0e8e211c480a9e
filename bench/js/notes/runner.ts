// SPDX-License-Identifier: MIT
// The yardstick's worker: imports the module that a message names and calls its `handle`.

import { parentPort } from 'node:worker_threads';

interface Message {
  id: number;
  module: string;
  input: unknown;
}

parentPort!.on('message', async ({ id, module, input }: Message) => {
  try {
    const loaded = (await import(module)) as { handle: (input: unknown) => unknown };
    parentPort!.postMessage({ id, ok: true, out: await loaded.handle(input) });
  } catch (error) {
    parentPort!.postMessage({ id, ok: false, err: (error as Error).message });
  }
});
