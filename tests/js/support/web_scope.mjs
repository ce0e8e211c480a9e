// SPDX-License-Identifier: MIT
// Makes the inside of a Node worker look like a Web Worker's, and loads its script: what `self`
// has there, an unhandled rejection as an event, and no way to Node's modules.

import { parentPort, workerData } from 'node:worker_threads';

const scope = globalThis;
const target = new EventTarget();
function WorkerGlobalScope() {}
Object.setPrototypeOf(scope, Object.create(WorkerGlobalScope.prototype, {}));
Object.assign(scope, {
  self: scope,
  WorkerGlobalScope,
  postMessage: (message, transfer) => parentPort.postMessage(message, transfer),
  addEventListener: target.addEventListener.bind(target),
  close: () => parentPort.close(),
});
parentPort.on('message', data => {
  const event = Object.assign(new Event('message'), { data });
  scope.onmessage?.(event);
  target.dispatchEvent(event);
});
process.on('unhandledRejection', reason => {
  target.dispatchEvent(Object.assign(new Event('unhandledrejection'), { reason }));
});
process.getBuiltinModule = undefined;
await import(workerData.script);
