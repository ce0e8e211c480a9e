// SPDX-License-Identifier: MIT
// Land, borders and airports: a picture that is drawn when the view has changed, a little larger
// than the window. While the map is moved it is shifted and scaled as it is, and drawn anew when
// that shows.

import { mapX, mapY } from './map_view.js';

/** Of the window's size, on each side. */
const MARGIN = 0.2;
const REDRAW_MS = 110;
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

/** A shape's path with the points that count at a scale, and the box that it lies in. */
function pathOf(lines, closed, tolerance) {
  const fill = new Path2D();
  const edge = closed ? new Path2D() : fill;
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const points of lines) {
    let [px, py] = [points[0], points[1]];
    let pen = false;
    fill.moveTo(px, py);
    edge.moveTo(px, py);
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = [points[i], points[i + 1]];
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
      const last = i + 2 === points.length;
      if (!last && Math.abs(x - px) < tolerance && Math.abs(y - py) < tolerance) continue;
      fill.lineTo(x, y);
      const cut = y > 0.985; // the pole is no coast
      if (closed) {
        if (cut) pen = false;
        else {
          if (!pen) edge.moveTo(px, py);
          edge.lineTo(x, y);
          pen = true;
        }
      }
      [px, py] = [x, y];
    }
    if (closed) fill.closePath();
  }
  return { fill, edge, box };
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
    const coarse = k < 0.8 || k > 1.7;
    const later = now - this.#drawnAt > REDRAW_MS;
    if (this.#stale || out || coarse || (moved && k !== 1 && later)) return this.#draw(now);
    this.#canvas.style.transform = moved ? `translate(${dx}px, ${dy}px) scale(${k})` : 'none';
  }

  /** Says that the window has another size. */
  resize() {
    this.#drawn = null;
  }

  #level() {
    const level = Math.ceil(Math.log2(this.#view.scale * Math.min(devicePixelRatio, 2)));
    let shapes = this.#levels.get(level);
    if (!shapes) {
      const tolerance = FINE_PX / 2 ** level;
      shapes = {
        land: this.#shapes.land.map(rings => pathOf(rings, true, tolerance)),
        borders: this.#shapes.borders.map(line => pathOf([line], false, tolerance)),
      };
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
    const [hw, hh] = [w / 2 / scale, h / 2 / scale];
    const seen = box => box[3] > y - hh && box[1] < y + hh;
    for (let copy = Math.floor(x - hw) - 1; copy <= Math.floor(x + hw) + 1; copy++) {
      const k = dpr * scale;
      to.setTransform(k, 0, 0, k, dpr * (w / 2 + (copy - x) * scale), dpr * (h / 2 - y * scale));
      if (copy + 1 > x - hw && copy < x + hw) this.#grid(to, scale);
      if (this.#shapes) {
        const beside = ({ box }) => seen(box) && box[2] + copy > x - hw && box[0] + copy < x + hw;
        this.#shape(to, scale, beside);
      }
    }
    to.setTransform(dpr, 0, 0, dpr, dpr * width * MARGIN, dpr * height * MARGIN);
    this.#drawAirports(to, w, h);
  }

  #grid(to, scale) {
    to.lineWidth = 1 / scale;
    to.strokeStyle = this.#colors.grid;
    to.beginPath();
    for (let i = 0; i < 12; i++) {
      to.moveTo(i / 12, 0.01);
      to.lineTo(i / 12, 0.99);
    }
    for (let lat = -60; lat <= 60; lat += 30) {
      const my = mapY(Math.sin((lat * Math.PI) / 180));
      to.moveTo(0, my);
      to.lineTo(1, my);
    }
    to.stroke();
  }

  #shape(to, scale, beside) {
    const { land, borders } = this.#level();
    const near = land.filter(beside);
    to.fillStyle = this.#colors.land;
    for (const { fill } of near) to.fill(fill, 'evenodd');
    to.lineJoin = 'round';
    to.lineWidth = 1 / scale;
    to.strokeStyle = this.#colors.border;
    for (const { fill } of borders.filter(beside)) to.stroke(fill);
    to.strokeStyle = this.#colors.coast;
    for (const { edge } of near) to.stroke(edge);
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
