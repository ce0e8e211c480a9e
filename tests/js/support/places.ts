// SPDX-License-Identifier: MIT
// Node's places for the conformance suite, and what turns its cases into tests.

import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Case, Place } from '../cases/bed.ts';

const folder = join(import.meta.dirname, '..', 'cases');

const base = {
  sync: false,
  copied: false,
  exits: true,
  job: (name: string) => ({ nodeModule: pathToFileURL(join(folder, `${name}.ts`)).href }),
};

export const LOCAL: Place = {
  ...base,
  name: 'local',
  options: { executor: 'local' },
  workers: 0,
  exits: false,
};
export const TICK: Place = { ...LOCAL, name: 'tick', sync: true };
export const NODE_1: Place = {
  ...base,
  name: 'node, 1 worker',
  options: { executor: 'node', size: 1 },
  workers: 1,
};
export const NODE_2: Place = {
  ...base,
  name: 'node, 2 workers',
  options: { executor: 'node', size: 2 },
  workers: 2,
};
export const COPIED: Place = {
  ...base,
  name: 'copied',
  options: { executor: 'copied', size: 2 },
  workers: 2,
  copied: true,
};
export const PLACES = [LOCAL, TICK, NODE_1, NODE_2, COPIED];

/** Makes a test of each case in each place. */
export function testCases(cases: readonly Case[], places: readonly Place[] = PLACES): void {
  for (const { name, on, run } of cases) {
    for (const place of places) {
      if (on && !on(place)) continue;
      test(`${name} [${place.name}]`, () => run(place));
    }
  }
}
