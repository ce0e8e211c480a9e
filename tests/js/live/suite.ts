// SPDX-License-Identifier: MIT
// What a server of the pond must do over real sockets, whoever wrote it: the cases know it by its
// address alone, but for those that also look into its world, where that lies in this process.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { defineComponent, SchemaError, ClosedError, type Entity } from 'skep';
import { connect, type ConnectOptions, type Live } from 'skep/client';
import { WebSocket } from 'ws';
import { Pos, QUANTUM, Secret, Ship, Steer, Toot, Vel, Weather, rounded } from './pond.ts';
import type { PondServer, ServePond } from './pond.ts';
import { Proxy } from './proxy.ts';

export const sleep = (ms: number): Promise<void> => new Promise(done => setTimeout(done, ms));

/** Draws pictures until something is so. */
export async function until(
  live: Live | null,
  what: string,
  so: () => boolean,
  ms = 5000,
): Promise<void> {
  const end = performance.now() + ms;
  for (;;) {
    live?.frame();
    if (so()) return;
    if (performance.now() > end) assert.fail(`${what}: not within ${ms} ms`);
    await sleep(10);
  }
}

/** Where entities with a component are shown. */
export function places(live: Live, component = Pos): Map<Entity, { x: number; y: number }> {
  const found = new Map<Entity, { x: number; y: number }>();
  live.frame().each([component], (n, pos, entities) => {
    for (let i = 0; i < n; i++) found.set(entities.at(i), { x: pos.x[i]!, y: pos.y[i]! });
  });
  return found;
}

const SEEN: ConnectOptions = { components: [Pos, Vel, Ship], inputs: [Steer], events: [Toot] };
const closed = (socket: WebSocket): Promise<[number, string]> =>
  new Promise(done => {
    socket.on('close', (code, reason) => done([code, String(reason)]));
    socket.on('error', () => {});
  });

/** The status that an upgrade is answered with; 0: none, and the connection was closed. */
function upgrade(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((done, fail) => {
    const asked = request({ port, host: '127.0.0.1', path, headers: { ...UPGRADE, ...headers } });
    asked.on('upgrade', (answer, socket) => {
      socket.destroy();
      done(answer.statusCode ?? 0);
    });
    asked.on('response', answer => {
      answer.resume();
      done(answer.statusCode ?? 0);
    });
    asked.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? done(0) : fail(error),
    );
    asked.end();
  });
}
const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol': 'skep.v1',
};

export function protocolSuite(name: string, serve: ServePond): void {
  describe(name, () => {
    let server: PondServer;
    const open: Live[] = [];
    const proxies: Proxy[] = [];
    const proxied = async (): Promise<[Proxy, string]> => {
      const proxy = await Proxy.to(server.port);
      proxies.push(proxy);
      return [proxy, `ws://127.0.0.1:${proxy.port}/world`];
    };
    const join = async (options: ConnectOptions = {}, url = server.url): Promise<Live> => {
      const live = await connect(url, { ...SEEN, ...options });
      open.push(live);
      return live;
    };
    before(async () => {
      server = await serve();
    });
    after(async () => {
      for (const live of open) live.dispose();
      for (const proxy of proxies) proxy.close();
      await server.stop();
    });

    test('joining: all that is published is there, and nothing else', async () => {
      const live = await join({ components: [Pos, Vel], resources: [Weather] });
      await until(live, '200 ducks and a ship', () => places(live).size >= 201);
      await until(live, 'the weather', () => live.resource(Weather) !== undefined);
      assert.deepEqual(live.resource(Weather), { wind: 3, day: 1 });
      const ducks = places(live, Vel as unknown as typeof Pos);
      assert.equal(ducks.size, 200);
      for (const { x } of ducks.values()) assert.equal(x, rounded(x));
      live.close();
      assert.equal(live.state, 'closed');
      assert.equal(places(live).size >= 200, true, 'the last picture stays');
    });

    test('what the server hides is not known', async () => {
      await assert.rejects(join({ components: [Pos, Secret] }), (error: unknown) => {
        assert.ok(error instanceof SchemaError, String(error));
        assert.equal(error.component, 'Secret');
        return true;
      });
    });

    test('a field of another type is named', async () => {
      const Other = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f64' } });
      await assert.rejects(join({ components: [Pos, Other] }), (error: unknown) => {
        assert.ok(error instanceof SchemaError, String(error));
        assert.deepEqual([error.component, error.field], ['Vel', 'y']);
        return true;
      });
    });

    test('without a list: whatever the server publishes', async () => {
      const live = await connect(server.url);
      open.push(live);
      await until(live, 'ducks', () => places(live).size >= 200);
      assert.ok([...places(live).keys()].every(e => live.frame().has(e, Pos)));
    });

    test('deltas: things move on, in few bytes', async () => {
      const live = await join();
      await until(live, 'ducks', () => places(live).size >= 200);
      const before = places(live);
      const at = live.stats();
      await until(live, '20 states', () => live.stats().states >= at.states + 20);
      const is = live.stats();
      const each = (is.bytesReceived - at.bytesReceived) / (is.states - at.states);
      assert.ok(each < 1500, `${each} bytes a state`);
      const moved = [...places(live)].filter(([e, p]) => before.get(e)?.x !== p.x);
      assert.ok(moved.length >= 60, `${moved.length} moved`);
      assert.equal(is.resyncs, 0);
      assert.ok(is.hz === 60 && is.every === 3, JSON.stringify(is));
    });

    test('two clients see each other, inputs reach the inbox, events come back', async () => {
      const [a, b] = [await join(), await join()];
      const toots: number[] = [];
      b.on(Toot, ({ player }) => toots.push(player));
      const shipOf = (live: Live, player: number): Entity | undefined => {
        let found: Entity | undefined;
        live.frame().each([Ship], (n, ship, entities) => {
          for (let i = 0; i < n; i++) if (ship.player[i] === player) found = entities.at(i);
        });
        return found;
      };
      const me = a.own.player;
      assert.notEqual(me, b.own.player);
      await until(b, "a's ship at b", () => shipOf(b, me) !== undefined);
      await until(a, "b's ship at a", () => shipOf(a, b.own.player) !== undefined);
      assert.equal(shipOf(b, me), a.own.entity);
      const heading = (): number => b.frame().get(shipOf(b, me)!, Ship)?.heading ?? 0;
      const before = heading();
      assert.ok(a.send({ turn: 0.5, horn: 1 }) > 0);
      await until(b, 'the turn at b', () => Math.abs(heading() - before - 0.5) < 1e-6);
      await until(b, 'the horn at b', () => toots.length > 0);
      assert.deepEqual(toots, [me]);
      await until(a, 'the answer at a', () => a.own.input > 0);
      a.close();
      await until(b, 'a gone at b', () => shipOf(b, me) === undefined);
    });

    test('enter, leave and change', async () => {
      const [a, b] = [await join(), await join()];
      const entered = new Set<Entity>();
      const left = new Set<Entity>();
      let changes = 0;
      const draw = (): void => {
        a.frame()
          .on('enter', [Ship], e => entered.add(e))
          .on('leave', [Ship], e => left.add(e))
          .on('change', [Pos], () => changes++);
      };
      await until(null, 'b comes', () => (draw(), entered.has(b.own.entity)));
      const gone = b.own.entity;
      b.close();
      await until(null, 'b goes', () => (draw(), left.has(gone)));
      assert.ok(changes > 0);
    });

    test('an area: only what lies in it, and it may move', async () => {
      const live = await join({ interest: { min: [0, 0], max: [60, 30] } });
      await until(live, 'some ducks', () => places(live).size > 0);
      const few = places(live).size;
      assert.ok(few < 120, `${few} ducks of 200`);
      live.setInterest({ min: [130, 50], max: [200, 100] });
      const far = (): boolean => {
        const all = [...places(live).values()];
        return all.length > 0 && all.every(p => p.x > 60 || p.y > 20);
      };
      await until(live, 'other ducks', far);
      live.setInterest(null);
      await until(live, 'all ducks', () => places(live).size >= 200);
    });

    test('a connection that is cut: shown meanwhile, resumed as the same player', async () => {
      const [proxy, url] = await proxied();
      const states: string[] = [];
      const live = await join({ onState: state => states.push(state) }, url);
      await until(live, 'ducks', () => places(live).size >= 200 && live.own.entity !== 0);
      const { player, entity } = live.own;
      proxy.cut();
      await until(live, 'the break', () => live.state === 'reconnecting');
      assert.ok(places(live).size >= 200, 'the last picture is shown');
      await until(live, 'life', () => live.state === 'live', 10_000);
      const states0 = live.stats().states;
      await until(live, 'states', () => live.stats().states > states0 + 3);
      assert.equal(live.own.player, player);
      assert.equal(live.own.entity, entity);
      assert.equal(live.stats().reconnects, 1);
      assert.deepEqual(states, ['connecting', 'live', 'reconnecting', 'live']);
      live.close();
    });

    test('a client that reads nothing: others go on, and it gets the newest later', async () => {
      const [proxy, url] = await proxied();
      const slow = await join({}, url);
      const other = await join();
      await until(slow, 'ducks', () => places(slow).size >= 200);
      proxy.pause(true);
      const from = other.stats().states;
      await until(other, '40 states', () => other.stats().states >= from + 40);
      proxy.pause(false);
      const newest = other.stats().tick;
      await until(slow, 'the newest', () => slow.stats().tick > newest, 10_000);
      assert.equal(slow.stats().resyncs, 0);
      slow.close();
    });

    test('hostile frames end the connection with a reason', async () => {
      const open = async (): Promise<WebSocket> => {
        const socket = new WebSocket(server.url, 'skep.v1');
        await new Promise((done, fail) => socket.once('open', done).once('error', fail));
        return socket;
      };
      for (const bytes of [Buffer.alloc(0), Buffer.alloc(7, 1), Buffer.alloc(200, 0xff)]) {
        const socket = await open();
        const over = closed(socket);
        socket.send(bytes);
        const [code, reason] = await over;
        assert.equal(code, 1008, reason);
        assert.notEqual(reason, '');
      }
      const large = await open();
      const tooLarge = closed(large);
      large.send(Buffer.alloc(70_000));
      assert.equal((await tooLarge)[0], 1009);
      const talker = await open();
      const text = closed(talker);
      talker.send('hello');
      const [code, reason] = await text;
      assert.equal(code, 1003);
      assert.match(reason, /binary/);
    });

    test('who may ask: path, subprotocol, origin', async () => {
      const { port } = server;
      assert.equal(await upgrade(port, '/world', {}), 101);
      assert.equal(await upgrade(port, '/nowhere', {}), 404);
      assert.equal(await upgrade(port, '/world', { 'Sec-WebSocket-Protocol': 'chat' }), 400);
      assert.equal(await upgrade(port, '/world', { Origin: 'https://elsewhere.example' }), 403);
      assert.equal(await upgrade(port, '/world', { Origin: `http://127.0.0.1:${port}` }), 101);
    });

    test('a token that is not good is told so; the server that goes, too', async t => {
      const own = await serve({ token: 'sea', limits: { connectionsPerAddress: 2 } });
      t.after(() => own.stop());
      await assert.rejects(join({ token: 'lake' }, own.url), (error: unknown) => {
        assert.ok(error instanceof ClosedError, String(error));
        return true;
      });
      // Where a program lets people in, it also says who they are.
      const named = own.pond !== undefined;
      const live = await join({ token: named ? 'sea7' : 'sea' }, own.url);
      if (named) assert.equal(live.own.player, 7);
      const second = await join({ token: named ? 'sea8' : 'sea' }, own.url);
      assert.ok([0, 429].includes(await upgrade(own.port, '/world', {})));
      const stopped = own.stop();
      await until(live, 'the end', () => live.state === 'reconnecting' || live.state === 'closed');
      assert.match(live.why?.message ?? '', /closing|shutting down/);
      await stopped;
      second.close();
      live.close();
    });

    test('in the end every view is what the server has, rounded', async t => {
      const { pond } = server;
      if (!pond) return t.skip('its world lies in another process');
      const live = await join();
      await until(live, 'ducks', () => places(live).size >= 200);
      let worst = 0;
      const ticks = new Map<number, Map<Entity, number>>();
      for (let i = 0; i < 20; i++) {
        const now = new Map<Entity, number>();
        pond.world.each({ read: [Pos, Vel] }, (n, pos, _, entities) => {
          for (let k = 0; k < n; k++) now.set(entities.at(k), pos.x[k]!);
        });
        ticks.set(pond.world.tick, now);
        await sleep(16);
        live.frame();
      }
      const { shownTick } = live.stats();
      const [low, high] = [ticks.get(Math.floor(shownTick)), ticks.get(Math.ceil(shownTick))];
      if (!low || !high) return t.skip(`tick ${shownTick} was not kept`);
      for (const [entity, { x }] of places(live, Pos)) {
        if (!low.has(entity)) continue;
        const [a, b] = [low.get(entity)!, high.get(entity)!].sort((p, r) => p - r);
        worst = Math.max(worst, a! - x, x - b!);
      }
      assert.ok(worst <= 2 * QUANTUM, `${worst} off`);
      assert.deepEqual(pond.errors, []);
    });
  });
}
