// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Spawns, destroys and events of jobs in each of Node's places.

import { structureCases } from './cases/structure.ts';
import { testCases } from './support/places.ts';

testCases(structureCases);
