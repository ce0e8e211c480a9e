// SPDX-License-Identifier: MIT
// One's own aircraft: keys and touch become what is sent to the server, which the page does at once
// by itself too.

import { Glide, PARK, Pilot, Pos } from './components.js';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const SEND_MS = 50;
/** After taking off an aircraft climbs by itself for so long, unless it is told otherwise. */
const CLIMB_MS = 6000;
const KEYS = {
  ArrowLeft: ['turn', -1],
  a: ['turn', -1],
  ArrowRight: ['turn', 1],
  d: ['turn', 1],
  ArrowUp: ['climb', 1],
  ArrowDown: ['climb', -1],
  w: ['gas', 1],
  s: ['gas', -1],
};

const get = id => document.getElementById(id);

/** A direction at a place on the unit sphere, to the east and to the north. */
export function eastNorth(pos, ahead) {
  const flat = Math.hypot(pos.x, pos.y) || 1e-9;
  const east = (-pos.y * ahead.x + pos.x * ahead.y) / flat;
  const north = ahead.z * flat - (pos.z * (pos.x * ahead.x + pos.y * ahead.y)) / flat;
  return [east, north];
}

export class Cockpit {
  #source = null;
  #frame;
  #calls;
  #held = new Map();
  #stick = { turn: 0, climb: 0 };
  #throttle = 0.7;
  #sent = '';
  #sentAt = 0;
  #climbUntil = 0;
  #last = 0;
  /** Is in the air, as the world says. */
  flying = false;
  /** The map's middle goes with it. */
  follow = true;

  constructor({ frame, ...calls }) {
    this.#frame = frame;
    this.#calls = calls;
    addEventListener('keydown', event => this.#key(event, true), true);
    addEventListener('keyup', event => this.#key(event, false), true);
    addEventListener('blur', () => this.#held.clear());
    this.#touchStick(get('stick'));
    get('throttle').addEventListener('input', event => {
      this.#throttle = Number(event.target.value) / 100;
    });
    get('land').addEventListener('click', () => this.land());
    get('recentre').addEventListener('click', () => this.#setFollow(true));
  }

  set source(source) {
    this.#source = source;
  }

  #key(event, down) {
    if (!this.flying || event.target.closest?.('input, [role=dialog]')) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (name === 'Escape' && down) {
      this.land();
    } else if (KEYS[name]) {
      if (down) this.#held.set(name, KEYS[name]);
      else this.#held.delete(name);
      this.#climbUntil = KEYS[name][0] === 'climb' ? 0 : this.#climbUntil;
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #touchStick(stick) {
    const knob = stick.querySelector('i');
    let id = null;
    const move = event => {
      if (event.pointerId !== id) return;
      const box = stick.getBoundingClientRect();
      const reach = box.width / 2 - 14;
      let x = (event.clientX - box.left - box.width / 2) / reach;
      let y = (event.clientY - box.top - box.height / 2) / reach;
      const far = Math.max(Math.hypot(x, y), 1);
      [x, y] = [x / far, y / far];
      this.#stick = { turn: x, climb: -y };
      this.#climbUntil = 0;
      knob.style.transform = `translate(${x * reach}px, ${y * reach}px)`;
    };
    stick.addEventListener('pointerdown', event => {
      id = event.pointerId;
      stick.setPointerCapture(id);
      move(event);
    });
    stick.addEventListener('pointermove', move);
    const end = event => {
      if (event.pointerId !== id) return;
      id = null;
      this.#stick = { turn: 0, climb: 0 };
      knob.style.transform = '';
    };
    stick.addEventListener('pointerup', end);
    stick.addEventListener('pointercancel', end);
  }

  /** Takes off from an airport, from anywhere. */
  takeOff(airport) {
    if (!this.#source) return;
    this.#throttle = 0.7;
    this.#climbUntil = performance.now() + CLIMB_MS;
    this.#send({ turn: 0, climb: 0.8, throttle: 0.7, from: airport.index + 1 });
    this.#setFollow(true);
    this.#calls.tookOff(airport);
  }

  land() {
    this.#held.clear();
    this.#send({ turn: 0, climb: 0, throttle: 0, from: PARK });
  }

  #send(value) {
    if (this.#source.send({ from: 0, ...value })) this.#sent = JSON.stringify(value);
    this.#sentAt = performance.now();
  }

  #setFollow(follow) {
    this.follow = follow;
    get('recentre').hidden = follow;
  }

  /** The hand has moved the map: it stays where it was put. */
  unfollow() {
    if (this.flying && this.follow) this.#setFollow(false);
  }

  #wish(now) {
    let { turn, climb } = this.#stick;
    for (const [what, sign] of this.#held.values()) {
      if (what === 'turn') turn += sign;
      if (what === 'climb') climb += sign;
      if (what === 'gas') this.#throttle += (sign * Math.min(now - this.#last, 100)) / 1500;
    }
    if (now < this.#climbUntil) climb = 0.8;
    this.#throttle = Math.min(Math.max(this.#throttle, 0), 1);
    const step = v => Math.round(Math.min(Math.max(v, -1), 1) * 100) / 100;
    return { turn: step(turn), climb: step(climb), throttle: step(this.#throttle) };
  }

  /** Sends what the hands want, and shows what comes of it. Returns where the aircraft is. */
  show(now) {
    const own = this.#source?.own() ?? 0;
    const frame = this.#frame();
    const pilot = own ? frame.get(own, Pilot) : undefined;
    const flying = Boolean(pilot?.flying);
    if (flying !== this.flying) {
      this.flying = flying;
      get('cockpit').hidden = !flying;
      document.documentElement.toggleAttribute('data-flying', flying);
      if (!flying) this.#calls.landed();
    }
    if (flying) {
      const wish = this.#wish(now);
      const text = JSON.stringify(wish);
      if (text !== this.#sent && now - this.#sentAt >= SEND_MS) this.#send(wish);
      this.#figures(frame, own);
    }
    this.#last = now;
    return flying ? own : 0;
  }

  #figures(frame, own) {
    const pos = frame.get(own, Pos);
    const glide = frame.get(own, Glide);
    if (!pos || !glide) return;
    const [east, north] = eastNorth(pos, glide);
    const course = (Math.atan2(east, north) * 180) / Math.PI;
    const put = (id, text) => {
      if (get(id).textContent !== text) get(id).textContent = text;
    };
    put('hud-altitude', whole.format(Math.round(pos.alt_ft / 100) * 100));
    put('hud-speed', whole.format(Math.round(glide.kt / 5) * 5));
    put('hud-course', String(Math.round(course + 360) % 360).padStart(3, '0'));
    const slider = get('throttle');
    const percent = String(Math.round(this.#throttle * 100));
    if (slider.value !== percent) slider.value = percent;
  }
}
