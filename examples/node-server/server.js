// SPDX-License-Identifier: MIT
// The physics server: balls that Node's workers move 60 times a second, and a gateway that
// publishes them 20 times a second to whoever opens the page. Ctrl-C ends it.
//
//     node server.js [--port 8080] [--balls 2000]

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ParallelScheduler, World } from 'skep';
import { createGateway, q } from 'skep/gateway';
import { fall, HEIGHT, HZ, Owner, Pos, push, Push, Vel, WIDTH } from './physics.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    balls: { type: 'string', default: '2000' },
  },
});
const balls = Number(values.balls);

// ---- the world ---------------------------------------------------------------------------------

const world = new World({ limits: { entities: balls + 1000 } });
world.spawnMany([Pos, Vel], balls, (columns, n) => {
  for (let i = 0; i < n; i++) {
    columns.Pos.x[i] = WIDTH * (i / n);
    columns.Pos.y[i] = HEIGHT * (((i * 7) % n) / n);
    columns.Vel.x[i] = (i % 23) - 11;
  }
});

const scheduler = new ParallelScheduler(world);
scheduler.register(push);
scheduler.register(fall);
// A fountain on the main thread: every two seconds it throws up what lies around in its middle.
scheduler.register({
  name: 'fountain',
  stage: 'late',
  every: 2 * HZ,
  reads: [Pos, Owner],
  writes: [Vel],
  run({ world }) {
    world.each({ write: [Vel], read: [Pos], not: [Owner] }, (n, vel, pos) => {
      for (let i = 0; i < n; i++) {
        if (pos.y[i] > 2) continue;
        vel.x[i] = ((i * 7919) % 41) - 20;
        vel.y[i] = 20 + ((i * 104729) % 23);
      }
    });
  },
});

// ---- clients -----------------------------------------------------------------------------------

const http = createServer(serve);
const gateway = createGateway({ server: http });
gateway.publish(world, {
  every: 3,
  components: [Pos, Vel, Owner],
  fields: {
    Pos: { x: q(1 / 64), y: q(1 / 64) },
    Vel: { x: q(1 / 16), y: q(1 / 16) },
  },
  rates: { 'Pos.x': 'Vel.x', 'Pos.y': 'Vel.y' },
});
gateway.accept(Push);
gateway.on('join', player => {
  player.own = world.spawn([Pos, { x: WIDTH / 2, y: HEIGHT / 2 }], Vel, [
    Owner,
    { player: player.id },
  ]);
});
gateway.on('leave', player => world.destroy(player.own));
gateway.on('error', error => console.error(error.message, error.hint ?? ''));

// ---- the page's files --------------------------------------------------------------------------

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const here = import.meta.dirname;
/** The package's modules, which the page imports as they are. */
const skep = dirname(fileURLToPath(import.meta.resolve('skep/client')));

async function serve(request, response) {
  const path = normalize(new URL(request.url, 'http://localhost').pathname);
  const file = path.startsWith('/skep/')
    ? join(skep, path.slice('/skep/'.length))
    : join(here, path === '/' ? 'index.html' : path);
  const type = TYPES[extname(file)];
  const body = type ? await readFile(file).catch(() => undefined) : undefined;
  if (body === undefined) response.writeHead(404).end('there is no such file\n');
  else response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);
}

// ---- the loop ----------------------------------------------------------------------------------

await scheduler.initPool();
const loop = scheduler.start({ hz: HZ, rewindMax: 0 });
http.listen(Number(values.port), () => {
  const { kind, workers } = scheduler.executor;
  console.log(`${balls} balls on ${kind}, ${workers} workers`);
  console.log(`http://localhost:${http.address().port}/`);
});

process.once('SIGINT', async () => {
  await loop.stop();
  await gateway.close();
  await scheduler.close();
  http.close();
  http.closeAllConnections();
});
