// SPDX-License-Identifier: MIT
// What the compiler says of gateways and clients. Nothing here runs: a line that is expected to be
// an error must be one, every other must be none.

import { createServer } from 'node:http';
import { defineComponent, defineEvent, defineInput, defineResource, World } from 'skep';
import type { Entity } from 'skep';
import { connect, type Live, type LiveStats } from 'skep/client';
import { createGateway, q, type GatewayStats } from 'skep/gateway';

const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
const Ship = defineComponent({ name: 'Ship', fields: { by: 'entity', crew: 'u8' } });
const Steer = defineInput({ name: 'Steer', fields: { turn: 'f32', fire: 'bool' } });
const Hit = defineEvent({ name: 'Hit', fields: { amount: 'f32' } });
const Rules = defineResource({ name: 'Rules', fields: { near: 'f32' } });
const world = new World();

// ---- the gateway -------------------------------------------------------------------------------

const gateway = createGateway({
  server: createServer(),
  auth: async token => (token === 'sea' ? { player: 1, data: 'Ann' } : null),
  origins: ['https://sea.example'],
  limits: { connectionsPerAddress: 4 },
});
createGateway({ port: 0, auth: token => ({ player: token.length }) });
// @ts-expect-error a player's number is a number
createGateway({ auth: () => ({ player: 'Ann' }) });
// @ts-expect-error a misspelt limit
createGateway({ limits: { connection: 4 } });
gateway.publish(world, {
  every: 3,
  fields: { Pos: { x: q(1 / 64) } },
  hide: [Ship],
  events: [Hit],
  place: { component: Pos, fields: ['x', 'y'], cell: 64 },
});
// @ts-expect-error a quantum is made by q
gateway.publish(world, { fields: { Pos: { x: 1 / 64 } } });
// @ts-expect-error a component is no event
gateway.publish(world, { events: [Pos] });
gateway.accept(Steer);
// @ts-expect-error a component is no input
gateway.accept(Pos);
const off: () => void = gateway.on('join', player => {
  player.own = world.spawn(Pos, Ship);
  // @ts-expect-error a number is given, never taken
  player.id = 3;
});
// @ts-expect-error there is no such event
gateway.on('joined', () => {});
const served: GatewayStats = gateway.stats();

// ---- the client --------------------------------------------------------------------------------

const live: Live = await connect('wss://sea.example/world', {
  token: 'sea',
  components: [Pos, Ship],
  events: [Hit],
  resources: [Rules],
  interest: () => ({ min: [0, 0], max: [10, 10] }),
  predict: { input: Steer, scene: 'ships.wasm', systems: ['steer'], smoothMs: 120, maxReplay: 12 },
});
// @ts-expect-error an event is no component to be seen
await connect('ws://sea.example', { events: [Pos] });
live.frame(performance.now()).each([Pos, Ship], (n, pos, ship, entities) => {
  const x: number = pos.x[n - 1]!;
  const by: Entity = ship.by.at(0);
  const at: Entity = entities.at(0);
  // @ts-expect-error what is shown is the server's
  pos.x[0] = x;
  // @ts-expect-error there is no such field
  ship.mast[0];
  void by;
  void at;
});
live.frame().on('enter', [Ship], (entity: Entity) => void entity);
// @ts-expect-error there is no such change
live.frame().on('entered', [Ship], () => {});
live.on('state', (state, why) => {
  const text: string = state === 'live' ? '' : (why?.message ?? state);
  void text;
  // @ts-expect-error there is no such state
  if (state === 'dead') return;
});
live.on(Hit, ({ amount }, { to, tick }) => void [amount, to, tick]);
// @ts-expect-error there is no such field
live.on(Hit, ({ force }) => void force);
live.on('event', ({ name, value }) => void [name, value]);
const sent: number = live.send(Steer, { turn: 1 });
// @ts-expect-error a field of another type
live.send(Steer, { turn: 'left' });
live.send({ turn: 1, fire: false });
const near: number | undefined = live.resource(Rules)?.near;
live.setInterest(null);
// @ts-expect-error both edges are needed
live.setInterest({ min: [0, 0] });
const known: LiveStats = live.stats();

export { known, near, off, sent, served };
