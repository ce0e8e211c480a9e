// SPDX-License-Identifier: MIT
// What a worker imports: see index.js.

export * from '../../../js/dist/worker.js';
