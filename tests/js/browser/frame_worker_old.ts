// SPDX-License-Identifier: MIT
// frame_worker.ts in a browser without Atomics.waitAsync.

import './without_wait_async.ts';
import './frame_worker.ts';
