// SPDX-License-Identifier: MIT
// Serves the jobs of traced.ts.

import { serve } from 'skep/worker';
import { drift, spin, weigh } from '../jobs/traced.ts';

serve(drift, spin, weigh);
