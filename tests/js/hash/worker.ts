// SPDX-License-Identifier: MIT
// The worker that serves the jobs of the mixed scene in browsers.

import { serve } from 'skep/worker';
import { ALL } from './jobs.ts';

serve(...ALL);
