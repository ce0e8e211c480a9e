// SPDX-License-Identifier: MIT
// A worker of the page. The jobs are in own.wasm, which it is sent; so it serves none of its own.

import { serve } from './skep/worker.js';

serve();
