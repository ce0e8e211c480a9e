// SPDX-License-Identifier: MIT
// The card of what was chosen: a flight, an airport, or somebody's own aircraft.

import {
  Alert,
  Cruise,
  EARTH_NM,
  Pilot,
  Pos,
  Route,
  callSign,
  milesBetween,
} from './components.js';

const GROUND_KT = 160;
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

/** Where a flight is on its way, and what that says of its height and speed. */
function progress(pos, from, to, cruise) {
  const done = milesBetween(pos, from);
  const left = milesBetween(pos, to);
  const share = done / Math.max(done + left, 1);
  const level = pos.alt_ft >= cruise.level_ft - 8;
  const high = Math.min(Math.max(pos.alt_ft / cruise.level_ft, 0), 1);
  return {
    share,
    done,
    left,
    phase: level ? 'Cruising' : share < 0.5 ? 'Climbing' : 'Descending',
    kt: GROUND_KT + (cruise.speed_kt - GROUND_KT) * high,
  };
}

export class Details {
  #card = document.querySelector('#details');
  #body = document.querySelector('#details-body');
  #fields = {};
  #what = null;
  #airports = [];
  #frame;
  #calls;
  #looked = 0;

  constructor({ frame, ...calls }) {
    this.#frame = frame;
    this.#calls = calls;
    document.querySelector('#details-close').addEventListener('click', () => calls.close());
  }

  set airports(airports) {
    this.#airports = airports;
  }

  get open() {
    return !this.#card.hidden;
  }

  close() {
    this.#card.hidden = true;
    this.#what = null;
  }

  #begin(what, kicker, title, subtitle) {
    this.#what = what;
    this.#fields = {};
    this.#looked = 0;
    const head = element('header');
    head.append(element('p', 'kicker', kicker), element('h2', '', title));
    if (subtitle) head.append(element('p', 'subtitle', subtitle));
    this.#body.replaceChildren(head);
    this.#card.hidden = false;
  }

  #list(...names) {
    const list = element('dl');
    for (const [key, name] of names) {
      const row = element('div');
      this.#fields[key] = element('dd');
      row.append(element('dt', '', name), this.#fields[key]);
      list.append(row);
    }
    this.#body.append(list);
  }

  #set(key, text) {
    const field = this.#fields[key];
    if (field && field.textContent !== text) field.textContent = text;
  }

  #button(text, className, run) {
    const button = element('button', className, text);
    button.type = 'button';
    button.addEventListener('click', run);
    return button;
  }

  // ---- flights ---------------------------------------------------------------------------------

  flight(entity) {
    const route = this.#frame().get(entity, Route);
    if (!route) return this.aircraft(entity);
    const [from, to] = [this.#airports[route.from], this.#airports[route.to]];
    this.#begin({ flight: entity, from, to }, 'Flight', callSign(entity));
    const way = element('div', 'way');
    const end = (airport, side) => {
      const button = this.#button('', `end ${side}`, () => this.#calls.airport(airport));
      button.append(
        element('b', '', airport?.iata || airport?.icao || '?'),
        element('span', '', airport?.name ?? ''),
      );
      return button;
    };
    const bar = element('div', 'bar');
    this.#fields.bar = element('i');
    bar.append(this.#fields.bar);
    way.append(end(from, 'from'), end(to, 'to'), bar);
    this.#body.append(way);
    this.#list(
      ['phase', 'Now'],
      ['altitude', 'Altitude'],
      ['speed', 'Ground speed'],
      ['done', 'Flown'],
      ['left', 'To go'],
    );
    this.#fields.alert = element('p', 'alert');
    this.#fields.alert.hidden = true;
    this.#body.append(this.#fields.alert);
    this.show(performance.now());
  }

  #showFlight({ flight, from, to }) {
    const frame = this.#frame();
    const pos = frame.get(flight, Pos);
    const cruise = frame.get(flight, Cruise);
    if (!pos || !cruise || !from || !to) {
      this.#set('phase', pos ? 'On its way' : 'Landed, or out of sight');
      return;
    }
    const p = progress(pos, from, to, cruise);
    this.#fields.bar.style.width = `${(p.share * 100).toFixed(1)}%`;
    this.#set('phase', p.phase);
    this.#set('altitude', `${whole.format(Math.round(pos.alt_ft / 100) * 100)} ft`);
    this.#set('speed', `${whole.format(p.kt)} kt`);
    this.#set('done', `${whole.format(p.done)} NM`);
    this.#set('left', `${whole.format(p.left)} NM`);
    this.#showAlert(flight);
  }

  #showAlert(entity) {
    const alert = this.#frame().get(entity, Alert);
    const field = this.#fields.alert;
    field.hidden = !alert;
    if (!alert) return;
    const text =
      `Separation lost: ${callSign(alert.other)} came within ${alert.nm.toFixed(1)} NM and `
      + `${whole.format(alert.ft)} ft`;
    if (field.textContent !== text) field.textContent = text;
  }

  // ---- airports --------------------------------------------------------------------------------

  airport(airport) {
    const code = [airport.iata, airport.icao].filter(c => c).join(' / ');
    const place = new Intl.DisplayNames(['en'], { type: 'region' });
    let country = airport.country;
    try {
      country = place.of(airport.country) ?? country;
    } catch {
      // Of no such code a name is known.
    }
    this.#begin({ airport }, code, airport.name, country);
    this.#list(
      ['out', 'In the air from here'],
      ['in', 'On their way here'],
      ['height', 'Elevation'],
    );
    this.#set('height', `${whole.format(airport.ft)} ft`);
    this.#body.append(this.#button('Take off here', 'primary', () => this.#calls.takeOff(airport)));
    this.show(performance.now());
  }

  /** Counts who comes and goes, now and then: it looks at all flights that are shown. */
  #showAirport({ airport }, now) {
    if (now - this.#looked < 1000) return;
    this.#looked = now;
    let [out, home] = [0, 0];
    this.#frame().each([Route], (n, route) => {
      for (let i = 0; i < n; i++) {
        if (route.from[i] === airport.index) out++;
        if (route.to[i] === airport.index) home++;
      }
    });
    this.#set('out', whole.format(out));
    this.#set('in', whole.format(home));
  }

  // ---- players' aircraft -----------------------------------------------------------------------

  aircraft(entity) {
    const pilot = this.#frame().get(entity, Pilot);
    if (!pilot) return this.#calls.close();
    const own = entity === this.#calls.own();
    this.#begin({ aircraft: entity }, 'Aircraft', own ? 'You' : `Player ${pilot.player}`);
    this.#list(['altitude', 'Altitude']);
    this.#fields.alert = element('p', 'alert');
    this.#fields.alert.hidden = true;
    this.#body.append(this.#fields.alert);
  }

  #showAircraft({ aircraft }) {
    const pos = this.#frame().get(aircraft, Pos);
    this.#set('altitude', pos ? `${whole.format(Math.round(pos.alt_ft / 100) * 100)} ft` : 'gone');
    this.#showAlert(aircraft);
  }

  /** Brings what changes up to date. */
  show(now) {
    const what = this.#what;
    if (!what) return;
    if (what.flight) this.#showFlight(what);
    else if (what.airport) this.#showAirport(what, now);
    else this.#showAircraft(what);
  }
}

/** Points of the great circle from one place to another, and their number. */
export function greatCircle(a, b) {
  const angle = milesBetween(a, b) / EARTH_NM;
  const n = Math.max(2, Math.ceil(angle * 60));
  const points = [];
  for (let i = 0; i <= n; i++) {
    const t = i / n;
    const sine = Math.sin(angle) || 1;
    const [p, q] = [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
    points.push({ x: a.x * p + b.x * q, y: a.y * p + b.y * q, z: a.z * p + b.z * q });
  }
  return points;
}
