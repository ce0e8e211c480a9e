// SPDX-License-Identifier: MIT
// The server on Node: runs the scene 60 times a second, and shows it to whoever opens the page.
//
//     node server.js [PORT]

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ParallelScheduler, World, loadScene } from 'skep';
import { createGateway } from 'skep/gateway';

const world = new World();
const scheduler = new ParallelScheduler(world);
scheduler.addScene(await loadScene(new URL('ship.wasm', import.meta.url)));

const http = createServer(file);
const gateway = createGateway({ server: http });
gateway.publish(world); // what, how, and who gets a ship, is said by the scene

await scheduler.initPool();
const loop = scheduler.start({ hz: 60, rewindMax: 0 });
http.listen(Number(process.argv[2] ?? 8080), () => {
  console.log(`http://localhost:${http.address().port}/`);
});
process.once('SIGINT', async () => {
  await loop.stop();
  await gateway.close();
  await scheduler.close();
  http.close();
  http.closeAllConnections();
});

/** The page's files, and the package's below /skep/. */
async function file(request, response) {
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
  const path = normalize(new URL(request.url, 'http://localhost').pathname);
  const skep = dirname(fileURLToPath(import.meta.resolve('skep')));
  const name = path.startsWith('/skep/')
    ? join(skep, path.slice(6))
    : join(import.meta.dirname, path === '/' ? 'index.html' : path);
  const type = types[extname(name)] ?? (name.endsWith('ship.wasm') && 'application/wasm');
  const body = type && (await readFile(name).catch(() => null));
  if (body) response.writeHead(200, { 'content-type': type }).end(body);
  else response.writeHead(404).end('there is no such file\n');
}
