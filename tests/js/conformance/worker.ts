// SPDX-License-Identifier: MIT
// The worker of the laboratory in browsers: it serves no jobs, those of the laboratory are C.

import { serve } from '../../../js/dist/worker.js';

serve();
