// SPDX-License-Identifier: MIT
// frame_page.ts in a browser without Atomics.waitAsync.

import './without_wait_async.ts';

export * from './frame_page.ts';
export { waitAsync } from './without_wait_async.ts';
