// SPDX-License-Identifier: MIT
// The worker's entry: the one file that a bundler must see.

import { serve } from 'skep/worker';
import { move } from './move.ts';

serve(move);
