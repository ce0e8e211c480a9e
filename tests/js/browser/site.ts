// SPDX-License-Identifier: MIT
// A static server for pages in tests: folders of the checkout and files that exist in memory only,
// under the headers that a host may or may not send. TypeScript is served with its types taken out,
// line for line, and `skep` and `skep/worker` become the addresses of js/dist, because no import
// map reaches into a worker.

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stripTypeScriptTypes } from 'node:module';
import { extname, join, normalize, resolve, sep } from 'node:path';

/** The root of the checkout. */
export const ROOT = resolve(import.meta.dirname, '../../..');

/** A virtual file: its text or bytes, or what answers the request itself. */
export type VirtualFile =
  string | Uint8Array | ((request: IncomingMessage, response: ServerResponse) => void);

export interface SiteOptions {
  /** Sends COOP and COEP, so that a page is cross-origin isolated and may share memory. */
  isolated?: boolean;
  /** Sends a Content-Security-Policy under which no worker can be made. */
  workersForbidden?: boolean;
  /** Sends this Content-Security-Policy instead. */
  policy?: string;
  /** Folders by the prefix of their addresses, which ends in a slash. Paths start at the root of
   * the checkout. `/skep/` (js/dist) and `/tests/` (tests/js) are always there. */
  folders?: Readonly<Record<string, string>>;
  /** Files by their address. They come before folders. */
  files?: Readonly<Record<string, VirtualFile>>;
}

/** WebAssembly and our own scripts run, workers do not. */
export const CSP_WITHOUT_WORKERS =
  "default-src 'self'; script-src 'self' 'nonce-skep' " + "'wasm-unsafe-eval'; worker-src 'none'";

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

const IMPORTS = {
  imports: {
    skep: '/skep/index.js',
    'skep/node': '/skep/node.js',
    'skep/web': '/skep/web.js',
    'skep/worker': '/skep/worker.js',
    'skep/math': '/skep/math.js',
    'skep/client': '/skep/client.js',
    'skep/record': '/skep/record.js',
    'skep/trace': '/skep/trace.js',
  },
};

// The page that TestPage.run uses: a module function is called, and what it gives comes back as
// text, so that both browsers' protocols carry it alike.
const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>skep test</title>
<script type="importmap" nonce="skep">${JSON.stringify(IMPORTS)}</script>
<script type="module" src="/runner.js"></script>
`;
const RUNNER = `globalThis.runTest = async (module, name, args) => {
  try {
    const value = await (await import(module))[name](...args);
    return JSON.stringify({ value });
  } catch (error) {
    const { name, message, stack, code } = error ?? {};
    return JSON.stringify({ error: { name, message: message ?? String(error), stack, code } });
  }
};
`;

/** A page's workers load what the page has loaded, and its files do not change. */
const CACHED = 'max-age=3600';
/** Ports that a site had: none has one twice, since a browser would take another site's files for
 * its own. */
const used = new Set<number>();

/** Takes the types out of a module and gives skep's entries their addresses. */
export function browserModule(source: string): string {
  return stripTypeScriptTypes(source).replace(
    /\b(from|import|import\()(\s*)(['"])(skep(?:\/[a-z]+)?)\3/g,
    (all, keyword: string, space: string, quote: string, name: string) => {
      const address = (IMPORTS.imports as Record<string, string>)[name];
      return address ? `${keyword}${space}${quote}${address}${quote}` : all;
    },
  );
}

export class Site {
  /** The addresses asked for, in order. */
  readonly requests: string[] = [];
  readonly #options: SiteOptions;
  readonly #folders: readonly (readonly [string, string])[];
  readonly #server: Server;

  constructor(options: SiteOptions) {
    this.#options = options;
    const folders = { '/skep/': 'js/dist', '/tests/': 'tests/js', ...options.folders };
    this.#folders = Object.entries(folders)
      .map(([at, path]) => [at, resolve(ROOT, path)] as const)
      .sort(([a], [b]) => b.length - a.length);
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500, { 'content-type': 'text/plain' });
        response.end(String(error));
      });
    });
  }

  async listen(): Promise<void> {
    for (;;) {
      await new Promise<void>((done, failed) => {
        this.#server.once('error', failed);
        this.#server.listen(0, '127.0.0.1', done);
      });
      if (!used.has(this.#port)) break;
      await new Promise(done => this.#server.close(done));
    }
    used.add(this.#port);
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The whole address of a path. */
  url(path = '/'): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>(done => this.#server.close(() => done()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #headers(type: string): Record<string, string> {
    const headers: Record<string, string> = { 'content-type': type, 'cache-control': CACHED };
    if (this.#options.isolated) {
      headers['cross-origin-opener-policy'] = 'same-origin';
      headers['cross-origin-embedder-policy'] = 'require-corp';
    }
    const { policy, workersForbidden } = this.#options;
    const csp = policy ?? (workersForbidden ? CSP_WITHOUT_WORKERS : undefined);
    if (csp) headers['content-security-policy'] = csp;
    return headers;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname);
    this.requests.push(path);
    const virtual = this.#options.files?.[path];
    if (typeof virtual === 'function') return virtual(request, response);
    const body = virtual ?? (await this.#builtIn(path));
    if (body === undefined) {
      response.writeHead(404, this.#headers(TYPES['.txt']!));
      response.end(`there is no ${path}`);
      return;
    }
    const type = path.endsWith('/') ? '.html' : extname(path);
    response.writeHead(200, this.#headers(TYPES[type] ?? 'application/octet-stream'));
    response.end(type === '.ts' ? browserModule(Buffer.from(body).toString()) : body);
  }

  async #builtIn(path: string): Promise<string | Uint8Array | undefined> {
    // Browsers ask for it whether a page has one or not.
    if (path === '/favicon.ico') return '';
    const folder = this.#folders.find(([at]) => path.startsWith(at));
    if (folder) {
      const name = path.endsWith('/') ? `${path}index.html` : path;
      const file = normalize(join(folder[1], name.slice(folder[0].length)));
      if (!file.startsWith(folder[1] + sep)) return undefined;
      return readFile(file).catch(() => undefined);
    }
    if (path === '/') return PAGE;
    if (path === '/runner.js') return RUNNER;
    return undefined;
  }
}

/** Starts a server on a free port of this machine alone. */
export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const site = new Site(options);
  await site.listen();
  return site;
}
