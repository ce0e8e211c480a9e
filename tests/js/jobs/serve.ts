// SPDX-License-Identifier: MIT
// The one file that a bundler would see: serves the tests' jobs by name.

import { serve } from 'skep/worker';
import { acts } from './acts.ts';
import { all } from './moves.ts';

serve(acts, ...all);
