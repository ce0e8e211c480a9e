// SPDX-License-Identifier: MIT
// Serves the page from this repository, by the two headers isolated from other sites, so that its
// workers may share memory; with --plain without them. Any static server does as well.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const page = '/examples/own_scene/index.html';
const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};
const headers = process.argv.includes('--plain')
  ? {}
  : { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const file = join(root, decodeURIComponent(pathname === '/' ? page : pathname));
  const ours = ['examples/own_scene', 'js/dist'].some(folder =>
    file.startsWith(join(root, folder) + sep),
  );
  const type = types[extname(file)];
  const body = ours && type ? await readFile(file).catch(() => undefined) : undefined;
  if (pathname === '/') response.writeHead(302, { location: page }).end();
  else if (!body) response.writeHead(404).end(`there is no ${pathname}\n`);
  else response.writeHead(200, { 'content-type': type, ...headers }).end(body);
}).listen(Number(process.env.PORT ?? 8080), '127.0.0.1', function () {
  console.log(`http://localhost:${this.address().port}${page}`);
});
