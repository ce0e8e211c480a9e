// SPDX-License-Identifier: MIT
// A TCP proxy between client and server that can cut connections and stop reading from the server,
// as a client does that is too slow.

import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export class Proxy {
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #pairs = new Set<[Socket, Socket]>();
  /** New connections are refused. */
  down = false;
  #paused = false;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async to(port: number): Promise<Proxy> {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const proxy = new Proxy(server);
    server.on('connection', client => proxy.#connected(client, port));
    return proxy;
  }

  #connected(client: Socket, port: number): void {
    if (this.down) return void client.destroy();
    const server = connect(port, '127.0.0.1');
    const pair: [Socket, Socket] = [client, server];
    this.#pairs.add(pair);
    const over = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of pair) socket.on('error', over).on('close', over);
    client.on('data', data => server.write(data));
    server.on('data', data => client.write(data));
    if (this.#paused) server.pause();
  }

  /** Breaks all connections. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Reads nothing of what the server sends, or goes on. */
  pause(on: boolean): void {
    this.#paused = on;
    for (const [, server] of this.#pairs) {
      if (on) server.pause();
      else server.resume();
    }
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
