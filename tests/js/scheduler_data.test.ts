// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The data path of jobs in each of Node's places.

import { dataCases } from './cases/data.ts';
import { testCases } from './support/places.ts';

testCases(dataCases);
