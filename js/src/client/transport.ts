// SPDX-License-Identifier: MIT
// How a client's messages travel: a small interface, and WebSockets behind it, the browser's own or
// Node's, else those of the package `ws`.

import { SkepError } from '../errors.js';
import { builtin } from '../pool/env.js';

/** What a connection tells. Nothing is told after `closed`. */
export interface TransportEvents {
  open(): void;
  /** A binary message; its bytes are the receiver's. */
  message(bytes: Uint8Array): void;
  /** It is gone, or could not be made. */
  closed(code: number, reason: string): void;
}

/** One connection. */
export interface TransportConnection {
  /** Sends a binary message, whose bytes are copied before this returns. */
  send(bytes: Uint8Array): void;
  /** Bytes that were given to send and have not left. */
  readonly buffered: number;
  /** Closes it; `closed` is told. */
  close(code: number, reason: string): void;
}

/** Makes connections. */
export interface Transport {
  connect(url: string, events: TransportEvents): TransportConnection;
}

const SUBPROTOCOL = 'skep.v1';

/** What is used of a WebSocket, a browser's or ws'. */
interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(bytes: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

type SocketClass = new (url: string, protocol: string) => Socket;

function socketClass(): SocketClass {
  const own = (globalThis as { WebSocket?: SocketClass }).WebSocket;
  if (own) return own;
  const node = builtin<typeof import('node:module')>('node:module');
  let cause: unknown;
  for (const from of node ? [import.meta.url, `${process.cwd()}/package.json`] : []) {
    try {
      return (node!.createRequire(from)('ws') as { WebSocket: SocketClass }).WebSocket;
    } catch (error) {
      cause = error;
    }
  }
  throw new SkepError('E_UNSUPPORTED', 'there is no WebSocket here', {
    cause,
    hint: 'Node 22 and later have one; npm install ws for older ones',
  });
}

/** Connections over WebSockets. */
export const webSocketTransport: Transport = {
  connect(url, events) {
    let socket: Socket;
    try {
      socket = new (socketClass())(url, SUBPROTOCOL);
    } catch (cause) {
      if (cause instanceof SkepError) throw cause;
      throw new SkepError('E_ARGUMENT', `${url}: ${String(cause)}`, { cause });
    }
    socket.binaryType = 'arraybuffer';
    let over = false;
    const closed = (code: number, reason: string): void => {
      if (over) return;
      over = true;
      events.closed(code, reason);
    };
    socket.onopen = () => {
      if (!over) events.open();
    };
    socket.onmessage = ({ data }) => {
      if (over) return;
      if (data instanceof ArrayBuffer) return events.message(new Uint8Array(data));
      socket.close(1003, 'text message: this protocol is binary');
    };
    socket.onclose = ({ code, reason }) => closed(code, reason);
    // A `close` follows, which says what there is to say.
    socket.onerror = () => {};
    return {
      send: bytes => {
        if (socket.readyState === 1) socket.send(bytes.slice());
      },
      get buffered() {
        return socket.bufferedAmount;
      },
      close: (code, reason) => {
        // Browsers take no other codes from a page.
        socket.close(code === 1000 || code >= 3000 ? code : 1000, reason.slice(0, 100));
      },
    };
  },
};
