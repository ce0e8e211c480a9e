// SPDX-License-Identifier: MIT
// What a worker and its jobs import: see index.js.

export * from '../../../js/dist/worker.js';
