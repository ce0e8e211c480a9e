// SPDX-License-Identifier: MIT
// WebSockets, by the package `ws`, which the program brings along: the upgrade of an http.Server's
// requests, who may ask for one, and a connection as a pipe of the hub. Node's and ws' types are
// named by what is used of them, so that nobody needs them to compile.

import { SkepError } from '../errors.js';
import { builtin } from '../pool/env.js';
import type { Caller, GatewayLimits, Pipe } from './options.js';
import { CLOSE, type Hub } from './hub.js';

/** The subprotocol of every connection. */
export const SUBPROTOCOL = 'skep.v1';

/** What is used of http.IncomingMessage. */
export interface UpgradeRequest {
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What is used of the socket of an upgrade. */
export interface UpgradeSocket {
  end(text: string): unknown;
  destroy(): unknown;
  on(event: 'error', listener: () => void): unknown;
}

/** What is used of http.Server and https.Server. */
export interface HttpServer {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  on(event: 'upgrade', listener: (...args: any[]) => void): unknown;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  off(event: 'upgrade', listener: (...args: any[]) => void): unknown;
  listenerCount(event: string): number;
}

/** What is used of a WebSocket of ws. */
interface Socket {
  readonly readyState: number;
  binaryType: string;
  on(event: string, listener: (...args: never[]) => void): void;
  send(data: Uint8Array, options: { binary: true }, done: (error?: Error | null) => void): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

interface SocketServer {
  handleUpgrade(
    request: UpgradeRequest,
    socket: UpgradeSocket,
    head: Uint8Array,
    done: (socket: Socket) => void,
  ): void;
}

type SocketServerClass = new (options: Record<string, unknown>) => SocketServer;

/** Which requests may become connections. */
export interface Door {
  readonly path: string;
  readonly origins: readonly string[] | '*' | undefined;
  readonly limits: GatewayLimits;
  /** By which address a request counts. */
  address(request: UpgradeRequest): string;
}

const MISSING = 'the package "ws" is not installed, which carries a gateway\'s connections';

/** Finds ws where the package lies, else where the program runs. Throws E_UNSUPPORTED. */
function socketServerClass(): SocketServerClass {
  const node = builtin<typeof import('node:module')>('node:module');
  if (!node) {
    throw new SkepError('E_UNSUPPORTED', 'a gateway that listens runs on Node alone', {
      hint: 'createGateway() without server and port, and attach(pipe)',
    });
  }
  let cause: unknown;
  for (const from of [import.meta.url, `${process.cwd()}/package.json`]) {
    try {
      const ws = node.createRequire(from)('ws') as { WebSocketServer: SocketServerClass };
      return ws.WebSocketServer;
    } catch (error) {
      cause = error;
    }
  }
  throw new SkepError('E_UNSUPPORTED', MISSING, { cause, hint: 'npm install ws' });
}

/** Why a request is refused, as status and text; null: it may come in. */
function refusal(request: UpgradeRequest, door: Door, hub: Hub): [number, string] | null {
  const { headers } = request;
  const protocols = String(headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
  if (!mayAsk(headers['origin'], headers['host'], door.origins)) {
    return [403, 'this origin may not connect'];
  }
  if (!protocols.includes(SUBPROTOCOL)) return [400, `subprotocol ${SUBPROTOCOL} is needed`];
  if (hub.connections >= (door.limits.connections ?? 1024)) return [503, 'the server is full'];
  if (hub.ofAddress(door.address(request)) >= (door.limits.connectionsPerAddress ?? 32)) {
    return [429, 'too many connections from this address'];
  }
  return null;
}

/** Whether a page of an origin may connect: without a list those of the same host, and programs,
 * which send none. */
function mayAsk(
  origin: string | string[] | undefined,
  host: string | string[] | undefined,
  origins: readonly string[] | '*' | undefined,
): boolean {
  if (origin === undefined || origins === '*') return true;
  if (typeof origin !== 'string') return false;
  if (origins) return origins.includes(origin);
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};

function refuse(socket: UpgradeSocket, [status, text]: [number, string]): void {
  socket.on('error', () => {});
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_TEXT[status]}\r\nConnection: close\r\n`
      + `Content-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
}

/** At most as many bytes of a text as a close frame has room for. */
function fit(reason: string): string {
  let text = reason;
  while (new TextEncoder().encode(text).length > 120) text = text.slice(0, -1);
  return text;
}

function pipeOf(socket: Socket): Pipe {
  return {
    send: (bytes, done) => socket.send(bytes, { binary: true }, done),
    close: (code, reason) => socket.close(code, fit(reason)),
    terminate: () => socket.terminate(),
  };
}

function connect(socket: Socket, caller: Caller, hub: Hub): void {
  const pipe = pipeOf(socket);
  const attached = hub.attach(pipe, caller);
  let over = false;
  socket.on('message', (data: Uint8Array, isBinary: boolean) => {
    if (over) return;
    if (isBinary) return attached.receive(data);
    over = true;
    pipe.close(CLOSE.text, 'text message: this protocol is binary');
  });
  socket.on('close', () => attached.closed());
  // What is wrong with a frame; ws has begun to close the connection.
  socket.on('error', () => {});
}

/** Listens for upgrades of a server's requests to a path. Returns what ends that. */
export function listen(server: HttpServer, door: Door, hub: Hub): () => void {
  const sockets = new (socketServerClass())({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: door.limits.messageBytes ?? 65_536,
    handleProtocols: () => SUBPROTOCOL,
  });
  const upgrade = (request: UpgradeRequest, socket: UpgradeSocket, head: Uint8Array): void => {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (path !== door.path) {
      // Somebody else's, where there is somebody.
      if (server.listenerCount('upgrade') === 1) refuse(socket, [404, 'there is nothing here']);
      return;
    }
    const why = refusal(request, door, hub);
    if (why) return refuse(socket, why);
    const origin = request.headers['origin'];
    const caller: Caller = {
      address: door.address(request),
      origin: typeof origin === 'string' ? origin : null,
      headers: request.headers,
    };
    sockets.handleUpgrade(request, socket, head, ws => connect(ws, caller, hub));
  };
  server.on('upgrade', upgrade);
  return () => void server.off('upgrade', upgrade);
}
