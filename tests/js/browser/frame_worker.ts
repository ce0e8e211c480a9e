// SPDX-License-Identifier: MIT
// The one file that a bundler must see: serves the jobs of frame_jobs.ts.

import { serve } from 'skep/worker';
import { ALL } from './frame_jobs.ts';

serve(...ALL);
