// SPDX-License-Identifier: MIT
// ctest: timeout=600
// Order, batches and the life of systems in each of Node's places.

import { planCases } from './cases/plan.ts';
import { testCases } from './support/places.ts';

testCases(planCases);
