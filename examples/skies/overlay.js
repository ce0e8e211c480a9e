// SPDX-License-Identifier: MIT
// What lies over the traffic: the way of the chosen flight, rings, and the names of players.

import { Route } from './components.js';
import { greatCircle } from './details.js';
import { mapX, mapY } from './map_view.js';

export class Overlay {
  #canvas;
  #view;
  #colors = {};
  #dirty = false;
  #way = null;
  /** Players to be named in the coming picture. */
  names = [];

  constructor(canvas, view) {
    this.#canvas = canvas;
    this.#view = view;
  }

  theme(colors) {
    this.#colors = colors;
  }

  /** Shows the way of a flight from now on; null: of none. */
  choose(entity, frame, airports) {
    this.#way = null;
    const route = entity ? frame.get(entity, Route) : undefined;
    const [from, to] = route ? [airports[route.from], airports[route.to]] : [];
    if (!from || !to) return;
    const points = greatCircle(from, to).map(p => [mapX(p.x, p.y), mapY(p.z)]);
    this.#way = { points, ends: [points[0], points.at(-1)] };
  }

  draw(traffic, chosen, now) {
    const view = this.#view;
    const place = chosen ? traffic.place(chosen) : null;
    const some = this.#way || place || this.names.length;
    if (!some && !this.#dirty) return;
    const dpr = Math.min(devicePixelRatio, 2);
    const [w, h] = [Math.round(view.width * dpr), Math.round(view.height * dpr)];
    const canvas = this.#canvas;
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    const to = canvas.getContext('2d');
    to.setTransform(dpr, 0, 0, dpr, 0, 0);
    to.clearRect(0, 0, view.width, view.height);
    this.#dirty = Boolean(some);
    if (this.#way) this.#drawWay(to);
    if (place) this.#ring(to, place, now);
    for (const name of this.names) this.#name(to, name);
  }

  #drawWay(to) {
    const view = this.#view;
    const { points, ends } = this.#way;
    to.lineWidth = 1.6;
    to.strokeStyle = this.#colors.way;
    to.setLineDash([2, 4]);
    to.beginPath();
    // From point to point beside each other, wherever the map is cut.
    let [x, y] = [view.px(points[0][0]), view.py(points[0][1])];
    to.moveTo(x, y);
    for (let i = 1; i < points.length; i++) {
      let step = points[i][0] - points[i - 1][0];
      step -= Math.round(step);
      x += step * view.scale;
      y = view.py(points[i][1]);
      to.lineTo(x, y);
    }
    to.stroke();
    to.setLineDash([]);
    for (const [ex, ey] of ends) {
      to.beginPath();
      to.arc(view.px(ex), view.py(ey), 4, 0, 7);
      to.fillStyle = this.#colors.halo;
      to.fill();
      to.stroke();
    }
  }

  #ring(to, place, now) {
    const view = this.#view;
    const beat = 1 + 0.08 * Math.sin(now / 300);
    to.lineWidth = 1.5;
    to.strokeStyle = this.#colors.chosen;
    to.beginPath();
    to.arc(view.px(place.x), view.py(place.y), 14 * beat, 0, 7);
    to.stroke();
  }

  #name(to, { place, text, own }) {
    const view = this.#view;
    const [x, y] = [view.px(place.x) + 15, view.py(place.y) - 11];
    to.font = '600 12px ui-sans-serif, system-ui, sans-serif';
    to.textBaseline = 'middle';
    to.lineWidth = 3.5;
    to.lineJoin = 'round';
    to.strokeStyle = this.#colors.halo;
    to.strokeText(text, x, y);
    to.fillStyle = own ? this.#colors.own : this.#colors.other;
    to.fillText(text, x, y);
  }
}
