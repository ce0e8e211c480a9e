// SPDX-License-Identifier: MIT
// Land, borders and airports: a picture that is drawn when the view has changed, a little larger
// than the window. While the map is moved it is shifted and scaled as it is, and drawn anew when
// that shows.

import { mapX, mapY } from './map_view.js';

/** Of the window's size, on each side. */
const MARGIN = 0.2;
const REDRAW_MS = 180;
/** Detail below this many pixels is left out. */
const FINE_PX = 0.7;
/** Pixels a degree from which airports have names. */
const NAMES_FROM = 13;

/** The numbers of a file that tools/page_build.mjs wrote. */
function* varints(bytes) {
  for (let at = 0; at < bytes.length;) {
    let value = 0;
    let shift = 0;
    for (; bytes[at] & 0x80; shift += 7) value |= (bytes[at++] & 0x7f) << shift;
    yield (value | (bytes[at++] << shift)) >>> 0;
  }
}

/** A ring that goes around the world ends a turn beside its beginning: it holds the south pole. */
function aroundPole(points) {
  const [first, last] = [points[0], points.at(-2)];
  if (Math.abs(last - first) < 0.9) return points;
  return Float64Array.of(...points, last, 1, first, 1);
}

/** Lines of places: land as polygons of rings, borders as lines. Coordinates are the map's. */
function decode(bytes) {
  const numbers = varints(bytes);
  const next = () => numbers.next().value;
  const signed = () => {
    const n = next();
    return (n >>> 1) ^ -(n & 1);
  };
  let [x, y] = [0, 0];
  const line = () => {
    const points = new Float64Array(2 * next());
    for (let i = 0; i < points.length; i += 2) {
      x += signed();
      y += signed();
      const sine = Math.sin(((y / 65535) * 180 - 90) * (Math.PI / 180));
      points[i] = x / 65535;
      points[i + 1] = mapY(Math.max(-0.9985, Math.min(0.9985, sine)));
    }
    return aroundPole(points);
  };
  const lines = () => Array.from({ length: next() }, line);
  const land = Array.from({ length: next() }, lines);
  return { land, borders: lines() };
}

/** The points of a line that count at a scale, and the box that it lies in; null: too small. */
function simplify(points, tolerance) {
  const kept = [points[0], points[1]];
  let [px, py] = kept;
  const box = [px, py, px, py];
  for (let i = 2; i < points.length; i += 2) {
    const [x, y] = [points[i], points[i + 1]];
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
    const last = i + 2 === points.length;
    if (!last && Math.abs(x - px) < tolerance && Math.abs(y - py) < tolerance) continue;
    kept.push(x, y);
    [px, py] = [x, y];
  }
  if (box[2] - box[0] < tolerance && box[3] - box[1] < tolerance) return null;
  return { points: Float64Array.from(kept), box };
}

/** Cuts a ring at a line parallel to an axis: keeps what is below (or, by `sign` -1, above) it. */
function cut(ring, axis, at, sign) {
  const out = [];
  const n = ring.length;
  for (let i = 0; i < n; i += 2) {
    const j = (i + 2) % n;
    const [a, b] = [(at - ring[i + axis]) * sign, (at - ring[j + axis]) * sign];
    if (a >= 0) out.push(ring[i], ring[i + 1]);
    if (a >= 0 !== b >= 0) {
      const t = a / (a - b);
      out.push(ring[i] + (ring[j] - ring[i]) * t, ring[i + 1] + (ring[j + 1] - ring[i + 1]) * t);
    }
  }
  return out;
}

/** The lines that are in a picture, each with the number of worlds that it is moved by. */
function* seen(lines, { x0, y0, w, h, scale }) {
  const [x1, y1] = [x0 + w / scale, y0 + h / scale];
  for (const line of lines) {
    const [left, top, right, bottom] = line.box;
    if (bottom < y0 || top > y1) continue;
    for (let shift = Math.ceil(x0 - right); left + shift <= x1; shift++) yield [line, shift];
  }
}

function addRing(to, { points, box }, shift, { x0, y0, w, h, scale }) {
  let ring = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 2) {
    ring[i] = (points[i] + shift - x0) * scale;
    ring[i + 1] = (points[i + 1] - y0) * scale;
  }
  if (box[0] + shift < x0) ring = cut(ring, 0, -2, -1);
  if (box[2] + shift > x0 + w / scale) ring = cut(ring, 0, w + 2, 1);
  if (box[1] < y0) ring = cut(ring, 1, -2, -1);
  if (box[3] > y0 + h / scale) ring = cut(ring, 1, h + 2, 1);
  if (ring.length < 6) return;
  to.moveTo(ring[0], ring[1]);
  for (let i = 2; i < ring.length; i += 2) to.lineTo(ring[i], ring[i + 1]);
  to.closePath();
}

function addLine(to, { points }, shift, { x0, y0, w, h, scale }) {
  let [px, py] = [(points[0] + shift - x0) * scale, (points[1] - y0) * scale];
  let pen = false;
  for (let i = 2; i < points.length; i += 2) {
    const x = (points[i] + shift - x0) * scale;
    const y = (points[i + 1] - y0) * scale;
    const out = (px < 0 && x < 0) || (px > w && x > w) || (py < 0 && y < 0) || (py > h && y > h);
    // Where land ends at the pole there is no coast.
    if (out || points[i + 1] > 0.985) {
      pen = false;
    } else {
      if (!pen) to.moveTo(px, py);
      to.lineTo(x, y);
      pen = true;
    }
    [px, py] = [x, y];
  }
}

export class BaseMap {
  #canvas;
  #view;
  #shapes = null;
  #levels = new Map();
  #airports = [];
  #colors = {};
  /** What the picture shows: a view of then. */
  #drawn = null;
  #drawnAt = 0;
  #stale = true;

  constructor(canvas, view) {
    this.#canvas = canvas;
    this.#view = view;
  }

  async load(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    this.#shapes = decode(new Uint8Array(await response.arrayBuffer()));
    this.#stale = true;
  }

  set airports(airports) {
    this.#airports = airports
      .filter(a => a)
      .map(a => ({ ...a, mx: mapX(a.x, a.y), my: mapY(a.z) }));
    this.#stale = true;
  }

  theme(colors) {
    this.#colors = colors;
    this.#stale = true;
  }

  /** The nearest airport to a pixel within reach. */
  airportAt(px, py, reach) {
    let best = null;
    let least = reach;
    if (this.#view.degree < 6) return null;
    for (const airport of this.#airports) {
      const far = Math.hypot(this.#view.px(airport.mx) - px, this.#view.py(airport.my) - py);
      if (far < least) [best, least] = [airport, far];
    }
    return best;
  }

  /** Shows the view of now. */
  show(now) {
    const { x, y, scale, width, height } = this.#view;
    const was = this.#drawn;
    let dx = 0;
    let dy = 0;
    let k = 1;
    if (was) {
      k = scale / was.scale;
      const turn = was.x - x;
      dx = (turn - Math.round(turn)) * scale;
      dy = (was.y - y) * scale;
    }
    const moved = was && (k !== 1 || dx !== 0 || dy !== 0);
    const out = !was || Math.abs(dx) > width * MARGIN || Math.abs(dy) > height * MARGIN;
    const coarse = k < 0.7 || k > 2;
    const later = now - this.#drawnAt > REDRAW_MS;
    if (this.#stale || out || coarse || (moved && k !== 1 && later)) return this.#draw(now);
    this.#canvas.style.transform = moved ? `translate(${dx}px, ${dy}px) scale(${k})` : 'none';
  }

  /** Says that the window has another size. */
  resize() {
    this.#drawn = null;
  }

  /** What is to be drawn at about this scale. */
  #level() {
    const level = Math.ceil(Math.log2(this.#view.scale * Math.min(devicePixelRatio, 2)));
    let shapes = this.#levels.get(level);
    if (!shapes) {
      const tolerance = FINE_PX / 2 ** level;
      const fine = lines => lines.map(line => simplify(line, tolerance)).filter(line => line);
      shapes = { land: fine(this.#shapes.land.flat()), borders: fine(this.#shapes.borders) };
      if (this.#levels.size > 4) this.#levels.delete(this.#levels.keys().next().value);
      this.#levels.set(level, shapes);
    }
    return shapes;
  }

  #draw(now) {
    const { x, y, scale, width, height } = this.#view;
    const dpr = Math.min(devicePixelRatio, 2);
    const [w, h] = [width * (1 + 2 * MARGIN), height * (1 + 2 * MARGIN)];
    const canvas = this.#canvas;
    const [cw, ch] = [Math.round(w * dpr), Math.round(h * dpr)];
    if (canvas.width !== cw || canvas.height !== ch) {
      Object.assign(canvas, { width: cw, height: ch });
      Object.assign(canvas.style, {
        width: `${w}px`,
        height: `${h}px`,
        left: `${-width * MARGIN}px`,
        top: `${-height * MARGIN}px`,
      });
    }
    canvas.style.transform = 'none';
    this.#drawn = { x, y, scale };
    this.#drawnAt = now;
    this.#stale = false;
    const to = canvas.getContext('2d');
    to.setTransform(1, 0, 0, 1, 0, 0);
    to.clearRect(0, 0, cw, ch);
    to.setTransform(dpr, 0, 0, dpr, 0, 0);
    const window_ = { x0: x - w / 2 / scale, y0: y - h / 2 / scale, w, h, scale };
    this.#grid(to, window_);
    if (this.#shapes) this.#shape(to, window_);
    to.setTransform(dpr, 0, 0, dpr, dpr * width * MARGIN, dpr * height * MARGIN);
    this.#drawAirports(to, w, h);
  }

  #grid(to, { x0, y0, w, h, scale }) {
    to.lineWidth = 1;
    to.strokeStyle = this.#colors.grid;
    to.beginPath();
    for (let i = Math.ceil(x0 * 12); i <= (x0 + w / scale) * 12; i++) {
      const px = (i / 12 - x0) * scale;
      to.moveTo(px, 0);
      to.lineTo(px, h);
    }
    for (let lat = -60; lat <= 60; lat += 30) {
      const py = (mapY(Math.sin((lat * Math.PI) / 180)) - y0) * scale;
      to.moveTo(0, py);
      to.lineTo(w, py);
    }
    to.stroke();
  }

  /** Land, borders and coasts: only what is in the picture, since long paths are slow. */
  #shape(to, view) {
    const { land, borders } = this.#level();
    to.fillStyle = this.#colors.land;
    to.beginPath();
    for (const [line, shift] of seen(land, view)) addRing(to, line, shift, view);
    to.fill('evenodd');
    to.lineJoin = 'round';
    for (const [lines, color] of [
      [borders, this.#colors.border],
      [land, this.#colors.coast],
    ]) {
      to.strokeStyle = color;
      to.beginPath();
      for (const [line, shift] of seen(lines, view)) addLine(to, line, shift, view);
      to.stroke();
    }
  }

  /** Airports as small squares, and their codes where there is room. */
  #drawAirports(to, w, h) {
    const view = this.#view;
    const { degree } = view;
    if (degree < 6) return;
    const size = degree < 20 ? 3 : 5;
    const taken = new Set();
    to.font = '600 10.5px ui-sans-serif, system-ui, sans-serif';
    to.textBaseline = 'middle';
    for (const airport of this.#airports) {
      const [px, py] = [view.px(airport.mx), view.py(airport.my)];
      if (Math.abs(px - view.width / 2) > w / 2 || Math.abs(py - view.height / 2) > h / 2) continue;
      to.fillStyle = this.#colors.airport;
      to.globalAlpha = 0.75;
      to.fillRect(px - size / 2, py - size / 2, size, size);
      to.globalAlpha = 1;
      const cell = `${Math.round(px / 44)},${Math.round(py / 20)}`;
      if (degree < NAMES_FROM || taken.has(cell)) continue;
      taken.add(cell);
      const text = degree > 90 ? `${airport.iata || airport.icao}  ${airport.name}` : airport.iata;
      to.lineWidth = 3;
      to.strokeStyle = this.#colors.halo;
      to.strokeText(text, px + size / 2 + 4, py + 0.5);
      to.fillStyle = this.#colors.label;
      to.fillText(text, px + size / 2 + 4, py + 0.5);
    }
  }
}
