// SPDX-License-Identifier: MIT
// The worker that a pool starts on Node when no createWorker is given: it serves no jobs by name,
// and imports each by its module.

import { installExtensions } from './extensions.js';
import { startWorker } from './worker_runtime.js';

installExtensions();
startWorker([]);
