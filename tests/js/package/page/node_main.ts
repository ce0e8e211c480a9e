// SPDX-License-Identifier: MIT
// The program for Node: imports every entry, runs the job on workers and in process, and prints
// what it found.

import * as skep from 'skep';
import * as client from 'skep/client';
import * as gateway from 'skep/gateway';
import * as math from 'skep/math';
import * as node from 'skep/node';
import * as record from 'skep/record';
import * as trace from 'skep/trace';
import * as web from 'skep/web';
import * as worker from 'skep/worker';
import { run } from './run.ts';

const exported = Object.fromEntries(
  Object.entries({ skep, client, gateway, math, node, record, trace, web, worker }).map(
    ([name, entry]) => [name, Object.keys(entry).length],
  ),
);
const sameJob = skep.defineJob === worker.defineJob;
const shared = await run({ executor: 'node' });
const local = await run({ executor: 'local' });
// Here `ws` is not installed.
let withoutWs: unknown;
try {
  gateway.createGateway({ port: 0 });
} catch (error) {
  const { name, code, hint } = error as skep.SkepError;
  withoutWs = { name, code, hint };
}
process.stdout.write(JSON.stringify({ exported, sameJob, withoutWs, shared, local }));
