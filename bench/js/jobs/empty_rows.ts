// SPDX-License-Identifier: MIT
// A job over rows that does nothing: what is left is the way to a worker and back.

import { defineJob } from 'skep';
import { Pos } from './components.ts';

export default defineJob({ name: 'empty', reads: [Pos], module: import.meta.url }, () => {});
