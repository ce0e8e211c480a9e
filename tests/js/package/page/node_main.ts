// SPDX-License-Identifier: MIT
// The program for Node: imports every entry, runs the job on workers and in process, and prints
// what it found.

import * as skep from 'skep';
import * as math from 'skep/math';
import * as node from 'skep/node';
import * as web from 'skep/web';
import * as worker from 'skep/worker';
import { run } from './run.ts';

const exported = Object.fromEntries(
  Object.entries({ skep, math, node, web, worker }).map(([name, entry]) => [
    name,
    Object.keys(entry).length,
  ]),
);
const sameJob = skep.defineJob === worker.defineJob;
const shared = await run({ executor: 'node' });
const local = await run({ executor: 'local' });
process.stdout.write(JSON.stringify({ exported, sameJob, shared, local }));
