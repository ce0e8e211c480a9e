// SPDX-License-Identifier: MIT
// The worker of the matrix of faults in pages.

import { serve } from 'skep/worker';
import { jobs } from '../cases/liar.ts';

serve(...jobs);
