// SPDX-License-Identifier: MIT
// Draws points by the ten thousand without a graphics card: each adds warmth to a grid of
// cells, the grid cools down from picture to picture, so that points leave trails, and a table
// turns warmth into colour. Flowers are drawn above, on a canvas of their own.

const CELLS_MAX = 900_000;
const TONES = 1024;

// From nothing to the warmest, as red, green, blue.
const INKS = {
  dark: [
    [14, 11, 9],
    [58, 28, 8],
    [150, 78, 12],
    [238, 148, 28],
    [255, 205, 96],
    [255, 248, 222],
  ],
  light: [
    [248, 242, 230],
    [246, 214, 146],
    [232, 160, 52],
    [178, 96, 14],
    [104, 50, 8],
    [36, 17, 3],
  ],
};

function tones(theme) {
  const inks = INKS[theme];
  const table = new Uint32Array(TONES);
  for (let i = 0; i < TONES; i++) {
    const warm = (1 - Math.exp(-i / 150)) / (1 - Math.exp(-TONES / 150));
    const at = warm * (inks.length - 1);
    const low = Math.min(Math.floor(at), inks.length - 2);
    const [r, g, b] = inks[low].map((from, c) =>
      Math.round(from + (inks[low + 1][c] - from) * (at - low)),
    );
    table[i] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }
  return table;
}

export class Picture {
  #canvas;
  #marks;
  #heat = new Uint32Array(0);
  #image = null;
  #pixels = new Uint32Array(0);
  #tones = tones('dark');
  #glow = 1;
  /** Cells, and where the middle of the world is in them. */
  width = 0;
  height = 0;
  /** Cells to a unit of the world; the middle of what the panel leaves free, in cells. */
  unit = 1;
  middle = { x: 0, y: 0 };
  /** How far the free part reaches from the middle, in units. */
  reach = { x: 1, y: 1 };
  #scale = 1;

  constructor(canvas, marks) {
    this.#canvas = canvas;
    this.#marks = marks;
  }

  /** Fits the picture to the window; `free` is the part that nothing covers, in CSS pixels. */
  fit(free, theme) {
    const { innerWidth: w, innerHeight: h, devicePixelRatio: ratio = 1 } = window;
    this.#scale = Math.min(ratio, Math.sqrt(CELLS_MAX / (w * h)));
    this.width = this.#canvas.width = Math.max(1, Math.floor(w * this.#scale));
    this.height = this.#canvas.height = Math.max(1, Math.floor(h * this.#scale));
    this.#marks.width = w * ratio;
    this.#marks.height = h * ratio;
    this.#heat = new Uint32Array(this.width * this.height);
    this.#image = this.#canvas.getContext('2d').createImageData(this.width, this.height);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
    this.unit = Math.min(free.width, free.height) * 0.44 * this.#scale;
    this.middle = {
      x: (free.x + free.width / 2) * this.#scale,
      y: (free.y + free.height / 2) * this.#scale,
    };
    this.reach = {
      x: ((free.width / 2) * this.#scale) / this.unit,
      y: ((free.height / 2) * this.#scale) / this.unit,
    };
    this.#tones = tones(theme);
    this.#glow = 1;
  }

  /** How warm one point is, so that many and few look well. */
  count(points) {
    const cells = this.width * this.height;
    this.#glow = Math.min(2600, Math.max(260, ((0.011 * cells) / Math.max(points, 1)) * 2600));
  }

  /** Where a place of the window lies in the world. */
  world(clientX, clientY) {
    return {
      x: (clientX * this.#scale - this.middle.x) / this.unit,
      y: (clientY * this.#scale - this.middle.y) / this.unit,
    };
  }

  /** Lets the last picture cool down. */
  cool() {
    const heat = this.#heat;
    for (let i = 0; i < heat.length; i++) heat[i] -= (heat[i] >> 3) + (heat[i] >> 5);
  }

  /** Adds points between where they were and where they are. */
  add(n, from, to, alpha) {
    const { width, height, unit } = this;
    const { x: x0, y: y0 } = this.middle;
    const heat = this.#heat;
    const warm = this.#glow;
    const less = warm >> 2;
    const { x: ax, y: ay } = from;
    const { x: bx, y: by } = to;
    for (let i = 0; i < n; i++) {
      const x = ((ax[i] + (bx[i] - ax[i]) * alpha) * unit + x0) | 0;
      const y = ((ay[i] + (by[i] - ay[i]) * alpha) * unit + y0) | 0;
      if (x < 1 || y < 1 || x >= width - 1 || y >= height - 1) continue;
      const at = y * width + x;
      heat[at] += warm;
      heat[at - 1] += less;
      heat[at + 1] += less;
      heat[at - width] += less;
      heat[at + width] += less;
    }
  }

  /** Puts the picture up. */
  show() {
    const heat = this.#heat;
    const pixels = this.#pixels;
    const table = this.#tones;
    for (let i = 0; i < heat.length; i++) {
      const tone = heat[i] >> 4;
      pixels[i] = table[tone < TONES ? tone : TONES - 1];
    }
    this.#canvas.getContext('2d').putImageData(this.#image, 0, 0);
  }

  /** Draws the flowers as combs, by their pull. */
  flowers(sky, color) {
    const context = this.#marks.getContext('2d');
    const ratio = this.#marks.width / window.innerWidth;
    const unit = (this.unit / this.#scale) * ratio;
    context.clearRect(0, 0, this.#marks.width, this.#marks.height);
    context.strokeStyle = color;
    context.lineJoin = 'round';
    sky.pull.forEach((pull, k) => {
      if (pull <= 0) return;
      const x = (this.middle.x / this.#scale) * ratio + sky.x[k] * unit;
      const y = (this.middle.y / this.#scale) * ratio + sky.y[k] * unit;
      const size = (5 + 40 * pull) * ratio;
      context.globalAlpha = 0.55;
      context.lineWidth = 1.6 * ratio;
      context.beginPath();
      for (let corner = 0; corner < 6; corner++) {
        const turn = (Math.PI / 3) * corner + Math.PI / 6;
        context.lineTo(x + size * Math.cos(turn), y + size * Math.sin(turn));
      }
      context.closePath();
      context.stroke();
    });
  }
}
