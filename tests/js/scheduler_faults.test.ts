// SPDX-License-Identifier: MIT
// ctest: timeout=900
// The fault contract in each of Node's places.

import { faultCases } from './cases/faults.ts';
import { testCases } from './support/places.ts';

testCases(faultCases);
