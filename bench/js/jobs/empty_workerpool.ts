// SPDX-License-Identifier: MIT
// The job that does nothing, as workerpool loads it.

import workerpool from 'workerpool';

workerpool.worker({ empty() {} });
