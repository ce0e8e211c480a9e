// SPDX-License-Identifier: MIT
// Where the map is looked at. The map is Mercator's: x from 0 at 180 degrees west to 1 at 180 east
// and on again, y from 0 in the north to 1 in the south; a view is its middle and a scale in pixels
// a world. Moves that are not the hand's own glide.

const GLIDE = 9;
/** 84 degrees: what is beyond is ice. */
const Y_MIN = 0.03;
const Y_MAX = 0.97;
const SCALE_MAX = 400_000;
/** Areas are asked for in steps, so that a small move asks for none. */
const AREA_STEP = 1 / 16;

const calm = matchMedia('(prefers-reduced-motion: reduce)');
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);

/** The map's x and y of a point on the unit sphere. */
export const mapX = (x, y) => Math.atan2(y, x) / (2 * Math.PI) + 0.5;
export const mapY = z => 0.5 - Math.log((1 + z) / (1 - z)) / (4 * Math.PI);

/** Degrees of a place on the map. */
export const longitude = x => (x - Math.floor(x)) * 360 - 180;
export const latitude = y => (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI;

export class MapView {
  x = 0.52;
  y = 0.36;
  scale = 1;
  width = 1;
  height = 1;
  /** Counts changes, for whoever keeps a picture of it. */
  changes = 0;
  #goal = { x: 0.52, y: 0.36, scale: 1 };
  #last = 0;

  /** The least scale: no window shows a place twice. */
  get scaleMin() {
    return Math.max(this.width, this.height / (Y_MAX - Y_MIN));
  }

  /** Pixels a degree of longitude. */
  get degree() {
    return this.scale / 360;
  }

  resize(width, height) {
    const first = this.width === 1;
    this.width = width;
    this.height = height;
    if (first) this.#goal.scale = this.scaleMin;
    this.#settle(this.#goal);
    Object.assign(this, this.#goal);
    this.changes++;
  }

  #settle(at) {
    at.scale = clamp(at.scale, this.scaleMin, SCALE_MAX);
    const half = this.height / 2 / at.scale;
    at.y = clamp(at.y, Math.min(Y_MIN + half, 0.5), Math.max(Y_MAX - half, 0.5));
    at.x -= Math.floor(at.x);
  }

  #jump() {
    this.#settle(this.#goal);
    Object.assign(this, this.#goal);
    this.changes++;
  }

  /** Moves what is seen by pixels, at once. */
  pan(dx, dy) {
    this.#goal = { x: this.x - dx / this.scale, y: this.y - dy / this.scale, scale: this.scale };
    this.#jump();
  }

  /** Changes the scale by a factor and keeps what is at a pixel there. `at once` for hands. */
  zoom(factor, px = this.width / 2, py = this.height / 2, gliding = false) {
    const goal = gliding ? this.#goal : { x: this.x, y: this.y, scale: this.scale };
    const scale = clamp(goal.scale * factor, this.scaleMin, SCALE_MAX);
    const reach = 1 / goal.scale - 1 / scale;
    this.#goal = {
      x: goal.x + (px - this.width / 2) * reach,
      y: goal.y + (py - this.height / 2) * reach,
      scale,
    };
    if (gliding && !calm.matches) this.#settle(this.#goal);
    else this.#jump();
  }

  /** Glides to a place of the map. */
  go(x, y, scale = this.#goal.scale) {
    this.#goal = { x, y, scale };
    if (calm.matches) this.#jump();
    else this.#settle(this.#goal);
  }

  /** Keeps the middle at a place that moves by itself. */
  follow(x, y) {
    this.#goal.x = x;
    this.#goal.y = y;
  }

  /** Goes on with a glide. */
  advance(now) {
    const dt = Math.min(now - this.#last, 100) / 1000;
    this.#last = now;
    const goal = this.#goal;
    let dx = goal.x - this.x;
    dx -= Math.round(dx);
    const dy = goal.y - this.y;
    const zoom = Math.log(goal.scale / this.scale);
    if (Math.abs(zoom) < 1e-5 && Math.hypot(dx, dy) * this.scale < 0.02) return;
    const share = 1 - Math.exp(-dt * GLIDE);
    this.scale *= Math.exp(zoom * share);
    this.x += dx * share;
    this.y += dy * share;
    this.#settle(this);
    this.changes++;
  }

  /** The pixel of a place, of the one that is nearest to the middle. */
  px(x) {
    const d = x - this.x;
    return (d - Math.round(d)) * this.scale + this.width / 2;
  }

  py(y) {
    return (y - this.y) * this.scale + this.height / 2;
  }

  /** A box around the visible part in the space of unit vectors; null: nearly everything. */
  area() {
    const w = this.width / 2 / this.scale;
    const h = this.height / 2 / this.scale;
    const south = Math.max(latitude(this.y + h), -90);
    const north = Math.min(latitude(this.y - h), 90);
    if (w > 0.3) return null;
    const rad = Math.PI / 180;
    const [west, east] = [(this.x - w - 0.5) * 2 * Math.PI, (this.x + w - 0.5) * 2 * Math.PI];
    const cosines = [Math.cos(south * rad), Math.cos(north * rad)];
    if (south <= 0 && north >= 0) cosines.push(1);
    const reach = quarter => {
      const ends = [Math.cos(west - quarter), Math.cos(east - quarter)];
      // Where a turn lies between the two, the cosine reaches its end there.
      const turns = k => Math.ceil((west - quarter - k) / (2 * Math.PI)) * 2 * Math.PI + k;
      if (turns(0) <= east - quarter) ends.push(1);
      if (turns(Math.PI) <= east - quarter) ends.push(-1);
      const products = ends.flatMap(e => cosines.map(c => e * c));
      return [Math.min(...products), Math.max(...products)];
    };
    const axes = [reach(0), reach(Math.PI / 2), [Math.sin(south * rad), Math.sin(north * rad)]];
    const down = v => Math.floor((v - AREA_STEP / 2) / AREA_STEP) * AREA_STEP;
    const up = v => Math.ceil((v + AREA_STEP / 2) / AREA_STEP) * AREA_STEP;
    return { min: axes.map(a => down(a[0])), max: axes.map(a => up(a[1])) };
  }
}
