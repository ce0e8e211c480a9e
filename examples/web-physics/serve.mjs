// SPDX-License-Identifier: MIT
// Serves the page from this repository:
//
//     node examples/web-physics/serve.mjs            isolated: workers share the world's memory
//     node examples/web-physics/serve.mjs --plain    without the headers: workers get copies
//
// Any other static server does as well: nothing here is more than files and two headers.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const page = '/examples/web-physics/';
const plain = process.argv.includes('--plain');
const port = Number(process.env.PORT ?? 8080);
const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const isolated = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const server = createServer(async (request, response) => {
  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
  if (path === '/') return response.writeHead(302, { location: page }).end();
  const file = join(root, path.endsWith('/') ? `${path}index.html` : path);
  const type = types[extname(file)];
  const allowed = [`${root}${page.replaceAll('/', sep)}`, join(root, 'js', 'dist') + sep];
  try {
    if (!type || !allowed.some(folder => file.startsWith(folder))) throw new Error('not ours');
    const body = await readFile(file);
    const headers = { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' };
    response.writeHead(200, plain ? headers : { ...headers, ...isolated }).end(body);
  } catch {
    response.writeHead(404, { 'content-type': 'text/plain' }).end(`there is no ${path}\n`);
  }
});
server.listen(port, '127.0.0.1', () => {
  console.log(
    `http://localhost:${server.address().port}${page}`
      + (plain ? ' (plain: no isolation)' : ' (cross-origin isolated)'),
  );
});
