// SPDX-License-Identifier: MIT
// A worker: it serves the jobs, and that is all. Module workers import by addresses, since no
// import map of the page reaches into them.

import { serve } from './skep/worker.js';
import { fly } from './swarm.js';

serve(fly);
