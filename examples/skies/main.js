// SPDX-License-Identifier: MIT
// The page: a map, everybody who is in the air, and one's own aircraft. It draws what its source
// shows, a server's world or, with ?local, one of its own.
//
//     ?local    ?entities=N (local)    ?canvas without WebGL    ?token=T    ?world=ADDRESS

import { BaseMap } from './base_map.js';
import { Cockpit, eastNorth } from './cockpit.js';
import { Alert, Glide, Pilot, Pos, Traffic as TrafficFigures, readAirports } from './components.js';
import { Details } from './details.js';
import { drawByCanvas } from './draw_canvas.js';
import { drawByGl } from './draw_gl.js';
import { listenToHands } from './gestures.js';
import { MapView, mapX, mapY } from './map_view.js';
import { Overlay } from './overlay.js';
import { Banner, Panel } from './panel.js';
import { Search } from './search.js';
import { KIND, Traffic } from './traffic.js';

const query = new URLSearchParams(location.search);
const get = id => document.getElementById(id);
const map = get('map');
const dark = matchMedia('(prefers-color-scheme: dark)');
const view = new MapView();
const land = new BaseMap(get('ground'), view);
const traffic = new Traffic(view);
const overlay = new Overlay(get('marks'), view);
const banner = new Banner({ again: () => location.reload() });

let source = null;
let frame = null;
let airports = [];
let chosen = 0;
let drawing =
  (query.has('canvas') ? null : drawByGl(get('traffic'))) ?? drawByCanvas(get('traffic'));

/** A picture without anybody, until there is one. */
const nothing = { each: () => nothing, get: () => undefined, resource: () => undefined };
const now = () => frame ?? nothing;

// ---- colours ---------------------------------------------------------------------------------

const style = { trails: true };

function readTheme() {
  const css = getComputedStyle(document.documentElement);
  const text = name => css.getPropertyValue(`--${name}`).trim();
  const rgb = name => {
    const n = parseInt(text(name).slice(1), 16);
    return [(n >> 16) / 255, ((n >> 8) & 255) / 255, (n & 255) / 255];
  };
  Object.assign(style, {
    low: rgb('low'),
    high: rgb('high'),
    trail: rgb('trail'),
    trailShows: Number(text('trail-shows')),
    // In the order of KIND.
    kinds: [rgb('high'), rgb('alert'), rgb('chosen'), rgb('own'), rgb('other'), rgb('high')],
  });
  const names = ['land', 'coast', 'border', 'grid', 'airport', 'label', 'halo', 'chosen', 'way'];
  const colors = Object.fromEntries([...names, 'own', 'other'].map(n => [n, text(n)]));
  land.theme(colors);
  overlay.theme(colors);
}

function styleOf(degree) {
  style.size = Math.min(Math.max(2.4 + 1.75 * Math.log2(degree / 2.6), 2.6), 17);
  style.wide = degree > 25 ? 1.6 : 1.1;
  return style;
}

// ---- what is chosen --------------------------------------------------------------------------

const details = new Details({
  frame: now,
  own: () => source?.own() ?? 0,
  close: () => choose(0),
  airport: airport => showAirport(airport),
  takeOff: airport => cockpit.takeOff(airport),
});

function choose(entity) {
  chosen = entity;
  overlay.choose(entity, now(), airports);
  if (entity) details.flight(entity);
  else details.close();
}

function showAirport(airport) {
  if (!airport) return;
  choose(0);
  details.airport(airport);
  view.go(mapX(airport.x, airport.y), mapY(airport.z), Math.max(view.scale, 360 * 34));
  cockpit.unfollow();
}

function tapped(x, y, reach) {
  const entity = traffic.at(x, y, reach);
  if (entity) return choose(entity);
  const airport = land.airportAt(x, y, reach);
  if (!airport) return choose(0);
  choose(0);
  details.airport(airports[airport.index]);
}

const search = new Search({
  frame: now,
  choose(item) {
    if (item.kind === 'airport') return showAirport(airports[item.airport.index]);
    choose(item.entity);
    const pos = now().get(item.entity, Pos);
    if (pos) view.go(mapX(pos.x, pos.y), mapY(pos.z), Math.max(view.scale, 360 * 24));
    cockpit.unfollow();
  },
});

const panel = new Panel({ lag: ms => source?.setLag(ms) });

const cockpit = new Cockpit({
  frame: now,
  tookOff(airport) {
    choose(0);
    view.go(mapX(airport.x, airport.y), mapY(airport.z), 360 * 70);
    map.focus({ preventScroll: true });
  },
  landed() {
    overlay.names = [];
  },
});

/** Takes off at the chosen airport, else at one that is near to what is seen. */
function takeOff() {
  const known = airports.filter(a => a?.iata);
  if (!known.length) return;
  const middle = a =>
    Math.hypot(view.px(mapX(a.x, a.y)) - view.width / 2, view.py(mapY(a.z)) - view.height / 2);
  known.sort((a, b) => middle(a) - middle(b));
  cockpit.takeOff(known[view.degree > 8 ? 0 : Math.floor(Math.random() * 12)]);
}

// ---- the server's frames ---------------------------------------------------------------------

let frames = null;

/** Opens or closes the panel; its script is fetched when it is opened first. */
async function showFrames(open) {
  get('frames').hidden = !open;
  get('frames-open').setAttribute('aria-expanded', String(open));
  // Both have room on a wide page only.
  if (open && innerWidth < 1100) panel.open = false;
  if (open && !frames) {
    frames = import('./frames.js').then(({ Frames }) => new Frames());
    frames.catch(error => banner.fail(error));
  }
  const made = await frames;
  if (!made) return;
  made.theme(dark.matches);
  made.source = source;
  made.open = !get('frames').hidden;
}

function listenToFrames() {
  const shown = () => !get('frames').hidden;
  get('frames-open').addEventListener('click', () => showFrames(!shown()));
  get('frames-open-too').addEventListener('click', () => showFrames(true));
  get('frames-close').addEventListener('click', () => {
    showFrames(false);
    get('frames-open').focus();
  });
  addEventListener('keydown', event => {
    const { key, ctrlKey, metaKey, altKey, target } = event;
    if (ctrlKey || metaKey || altKey) return;
    if (key === 'Escape' && get('frames').contains(target)) {
      event.preventDefault();
      showFrames(false);
      get('frames-open').focus();
    }
    if (
      key.toLowerCase() === 't'
      && !(target instanceof HTMLInputElement && target.type === 'text')
    ) {
      showFrames(!shown());
    }
  });
}

// ---- pictures --------------------------------------------------------------------------------

/** Marks who is not a flight like others, and names the players. */
function markPlayers(own) {
  overlay.names = [];
  let others = 0;
  frame.each([Pos, Pilot, Glide], (n, pos, pilot, glide, entities) => {
    for (let i = 0; i < n; i++) {
      const entity = entities.at(i);
      if (!pilot.flying[i]) {
        traffic.mark(entity, KIND.hidden);
        continue;
      }
      const at = { x: pos.x[i], y: pos.y[i], z: pos.z[i] };
      const [east, north] = eastNorth(at, { x: glide.x[i], y: glide.y[i], z: glide.z[i] });
      traffic.mark(entity, entity === own ? KIND.own : KIND.other);
      if (entity !== own) others++;
      else tell('own', `${at.x} ${at.y} ${at.z}`);
      traffic.turn(entity, east, -north);
      const place = { x: mapX(at.x, at.y), y: mapY(at.z) };
      const text = entity === own ? 'You' : `Player ${pilot.player[i]}`;
      overlay.names.push({ place, text, own: entity === own });
      if (entity === own && cockpit.flying && cockpit.follow) view.follow(place.x, place.y);
    }
  });
  tell('others', String(others));
}

/** Something for whoever asks the page. */
function tell(name, text) {
  const { dataset } = document.documentElement;
  if (dataset[name] !== text) dataset[name] = text;
}

function markAlerts() {
  frame.each([Alert], (n, alert, entities) => {
    const { words } = entities;
    for (let i = 0; i < n; i++) traffic.mark(words[2 * i], KIND.alert);
  });
}

function learnAirports() {
  const found = readAirports(frame);
  if (!found.length) return;
  airports = found;
  land.airports = found;
  search.airports = found;
  details.airports = found;
  get('takeoff').disabled = false;
}

function picture(time) {
  const began = performance.now();
  view.advance(time);
  frame = source.frame(time);
  if (!airports.length) learnAirports();
  traffic.begin(time);
  markAlerts();
  if (chosen) traffic.mark(chosen, KIND.chosen);
  markPlayers(cockpit.show(time));
  frame.each([Pos], (n, pos, entities) => traffic.add(n, pos, entities.words));
  traffic.end();
  drawing.draw(traffic, view, styleOf(view.degree));
  land.show(time);
  overlay.draw(traffic, chosen, time);
  details.show(time);
  panel.picture(performance.now() - began, traffic.shownCount);
  panel.show(time, {
    traffic: frame.resource(TrafficFigures),
    shown: traffic.count,
    drawnBy: drawing.name,
  });
}

function turn(time) {
  if (source) {
    try {
      picture(time);
    } catch (error) {
      banner.fail(error);
      throw error;
    }
  } else {
    view.advance(time);
    land.show(time);
  }
  requestAnimationFrame(turn);
}

function fit() {
  view.resize(innerWidth, innerHeight);
  land.resize();
}

function listen() {
  addEventListener('resize', fit);
  dark.addEventListener('change', () => {
    readTheme();
    if (frames) showFrames(!get('frames').hidden);
  });
  listenToFrames();
  listenToHands(map, view, { tap: tapped, moved: () => cockpit.unfollow() });
  get('takeoff').addEventListener('click', takeOff);
  get('zoom-in').addEventListener('click', () => view.zoom(2, undefined, undefined, true));
  get('zoom-out').addEventListener('click', () => view.zoom(0.5, undefined, undefined, true));
  addEventListener('keydown', event => {
    if (event.key === 'Escape' && !event.defaultPrevented) choose(0);
  });
}

async function open() {
  const onState = (state, why) => banner.say(state, why);
  if (query.has('local')) {
    const { openLocal } = await import('./source_local.js');
    source = await openLocal({ onState, flights: Number(query.get('entities') ?? 20_000) });
  } else {
    const { openLive } = await import('./source_live.js');
    source = await openLive({
      onState,
      interest: () => view.area(),
      url: query.get('world'),
      token: query.get('token'),
    });
  }
  panel.source = source;
  cockpit.source = source;
  if (frames) showFrames(!get('frames').hidden);
}

readTheme();
fit();
listen();
requestAnimationFrame(turn);
land.load(new URL('./land.bin', import.meta.url)).catch(error => banner.fail(error));
open().catch(error => banner.fail(error));
