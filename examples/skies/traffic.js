// SPDX-License-Identifier: MIT
// Who is in the air: takes the columns of a picture of the world, row by row, to pixels, and keeps
// where each was for its trail and its direction. What comes out are two plain arrays, for whatever
// draws them.
//
// Entities are told apart by the index of their handle, below; a slot that another entity has now
// begins its trail anew.

/** Floats of a mark: x, y, the direction's x and y, height from 0 to 1, kind. */
export const MARK = 6;
/** Floats of a piece of a trail: x, y, x, y, how much of it shows at either end. */
export const PIECE = 6;

export const KIND = { flight: 0, alert: 1, chosen: 2, own: 3, other: 4, quiet: 5, hidden: 255 };

/** Where everybody was is noted so often, and so many times. */
const STEP_MS = 900;
const NOTES = 14;
export const PIECES_MAX = 24_000;
/** Pixels of a flight's trail, and its pieces. */
const FLIGHT_PX = 44;
const STRAIGHT = 3;
const OUT_PX = 40;

export class Traffic {
  #view;
  #cap = 0;
  #generation;
  /** The map's x and y of now, and of the notes behind each other. */
  #x;
  #y;
  #noteX = [];
  #noteY = [];
  #notes = 0;
  #newest = 0;
  #notedAt = -Infinity;
  /** How many notes of a slot are its own. */
  #kept;
  /** The picture that a slot was seen in last. */
  #seen;
  #picture = 1;
  #kind;
  #marked = [];
  /** Directions that are known better than from where somebody was. */
  #turned = new Map();
  /** Slots that are in the window. */
  #shown = new Uint32Array(0);
  #entities = new Float64Array(0);
  shownCount = 0;
  count = 0;
  marks = new Float32Array(0);
  markCount = 0;
  pieces = new Float32Array(0);
  pieceCount = 0;

  constructor(view) {
    this.#view = view;
    this.#grow(32768);
  }

  #grow(cap) {
    const wider = (Type, old) => {
      const array = new Type(cap);
      if (old) array.set(old);
      return array;
    };
    this.#generation = wider(Uint32Array, this.#generation);
    this.#x = wider(Float64Array, this.#x);
    this.#y = wider(Float64Array, this.#y);
    this.#kept = wider(Uint8Array, this.#kept);
    this.#seen = wider(Uint32Array, this.#seen);
    this.#kind = wider(Uint8Array, this.#kind);
    for (let i = 0; i < NOTES; i++) {
      this.#noteX[i] = wider(Float64Array, this.#noteX[i]);
      this.#noteY[i] = wider(Float64Array, this.#noteY[i]);
    }
    this.#shown = wider(Uint32Array, this.#shown);
    this.#entities = wider(Float64Array, this.#entities);
    this.marks = new Float32Array(cap * MARK);
    this.pieces = new Float32Array(PIECES_MAX * PIECE);
    this.#cap = cap;
  }

  #room(index) {
    if (index >= this.#cap) this.#grow(2 ** Math.ceil(Math.log2(index + 1)));
  }

  /** Says that an entity is not a flight like others, for this picture. */
  mark(entity, kind) {
    const index = entity >>> 0;
    this.#room(index);
    this.#kind[index] = kind;
    this.#marked.push(index);
  }

  /** Says where an entity points, for this picture: to the right and down. */
  turn(entity, hx, hy) {
    this.#turned.set(entity >>> 0, [hx, hy]);
  }

  /** Begins a picture. */
  begin(now) {
    this.shownCount = 0;
    this.count = 0;
    this.#picture++;
    this.#note(now);
  }

  /** Notes where everybody is, now and then. */
  #note(now) {
    if (now - this.#notedAt < STEP_MS) return;
    this.#notedAt = now;
    this.#newest = (this.#newest + 1) % NOTES;
    this.#noteX[this.#newest].set(this.#x);
    this.#noteY[this.#newest].set(this.#y);
    this.#notes = Math.min(this.#notes + 1, NOTES);
    const kept = this.#kept;
    for (let i = 0; i < kept.length; i++) if (kept[i] < NOTES) kept[i]++;
  }

  /** Takes rows in. `words` are the handles' halves. */
  add(n, pos, words) {
    const { x: ux, y: uy, z: uz, alt_ft: alt } = pos;
    const view = this.#view;
    const { x: cx, y: cy, scale } = view;
    const reachX = (view.width / 2 + OUT_PX) / scale;
    const reachY = (view.height / 2 + OUT_PX) / scale;
    const TURN = 1 / (2 * Math.PI);
    const HALF = 1 / (4 * Math.PI);
    const { marks } = this;
    for (let i = 0; i < n; i++) {
      const index = words[2 * i];
      if (index >= this.#cap) this.#grow(2 ** Math.ceil(Math.log2(index + 1)));
      if (this.#kind[index] === KIND.hidden) continue;
      const z = uz[i];
      const x = Math.atan2(uy[i], ux[i]) * TURN + 0.5;
      const y = 0.5 - Math.log((1 + z) / (1 - z)) * HALF;
      const generation = words[2 * i + 1];
      if (this.#generation[index] !== generation || this.#seen[index] + 1 < this.#picture) {
        this.#generation[index] = generation;
        this.#kept[index] = 0;
      }
      this.#seen[index] = this.#picture;
      this.#x[index] = x;
      this.#y[index] = y;
      this.count++;
      let dx = x - cx;
      dx -= Math.round(dx);
      const dy = y - cy;
      if (dx > reachX || dx < -reachX || dy > reachY || dy < -reachY) continue;
      const at = this.shownCount * MARK;
      if (at + MARK > marks.length) continue;
      this.#shown[this.shownCount] = index;
      this.#entities[this.shownCount++] = generation * 4294967296 + index;
      this.marks[at] = dx * scale;
      this.marks[at + 1] = dy * scale;
      this.marks[at + 4] = alt[i] * (1 / 38000);
    }
  }

  /** Ends a picture: directions, kinds and trails of what is in the window. */
  end() {
    const { marks, shownCount: n } = this;
    // A slot's notes that are older than it are another's.
    const back = Math.min(1, this.#notes - 1);
    const older = this.#slot(back);
    const [ox, oy] = [this.#noteX[older], this.#noteY[older]];
    for (let k = 0, at = 0; k < n; k++, at += MARK) {
      const index = this.#shown[k];
      let hx = 0;
      let hy = -1e-9;
      const turned = this.#kind[index] >= KIND.own ? this.#turned.get(index) : undefined;
      if (turned) {
        [hx, hy] = turned;
      } else if (this.#kept[index] > back) {
        hx = this.#x[index] - ox[index];
        hx -= Math.round(hx);
        hy = this.#y[index] - oy[index];
      }
      const length = Math.sqrt(hx * hx + hy * hy) || 1;
      marks[at + 2] = hx / length;
      marks[at + 3] = hy / length;
      marks[at + 5] = this.#kind[index];
    }
    this.markCount = n;
    this.#raise(n);
    this.#trails(n);
    for (const index of this.#marked) this.#kind[index] = 0;
    this.#marked.length = 0;
    this.#turned.clear();
  }

  /** Draws who matters once more, over all others. */
  #raise(n) {
    const { marks } = this;
    for (let at = 0; at < n * MARK; at += MARK) {
      if (marks[at + 5] < KIND.chosen || (this.markCount + 1) * MARK > marks.length) continue;
      marks.copyWithin(this.markCount++ * MARK, at, at + MARK);
    }
  }

  #slot(back) {
    return (this.#newest - back + NOTES) % NOTES;
  }

  /** Pieces from now back from note to note; where they would be too many, longer ones. */
  #trails(n) {
    const { pieces } = this;
    const { y: cy, scale } = this.#view;
    const all = this.#notes;
    // Flights go nearly straight on; who is steered turns, and shows all of it. At 28,000 knots of
    // the map's time a note lies 0.12 degrees behind the other.
    const few = Math.ceil(FLIGHT_PX / (this.#view.degree * 0.12));
    const short = Math.min(Math.max(few, 2), all);
    const straight = Math.ceil(short / (n > PIECES_MAX / STRAIGHT ? 1 : STRAIGHT));
    let at = 0;
    for (let k = 0; k < n; k++) {
      const index = this.#shown[k];
      let x = this.marks[k * MARK];
      let y = this.marks[k * MARK + 1];
      let mapX = this.#x[index];
      let shows = 1;
      const steered = this.#kind[index] >= KIND.own;
      const most = steered ? all : short;
      const kept = Math.min(this.#kept[index], most);
      const stride = steered ? 1 : straight;
      for (let back = stride - 1; back < kept; back += stride) {
        if (at + PIECE > pieces.length) break;
        const slot = this.#slot(back);
        // From the place before, so that no trail leads around the world.
        const step = this.#noteX[slot][index] - mapX;
        mapX += step;
        const px = x + (step - Math.round(step)) * scale;
        const py = (this.#noteY[slot][index] - cy) * scale;
        const less = 1 - (back + 1) / most;
        if (Math.abs(px - x) < 2000) {
          pieces[at] = x;
          pieces[at + 1] = y;
          pieces[at + 2] = px;
          pieces[at + 3] = py;
          pieces[at + 4] = shows;
          pieces[at + 5] = less;
          at += PIECE;
        }
        x = px;
        y = py;
        shows = less;
      }
    }
    this.pieceCount = at / PIECE;
  }

  /** The nearest entity to a pixel within reach, 0 where there is none. */
  at(px, py, reach) {
    const [x, y] = [px - this.#view.width / 2, py - this.#view.height / 2];
    let least = reach * reach;
    let best = 0;
    for (let k = 0; k < this.shownCount; k++) {
      const dx = this.marks[k * MARK] - x;
      const dy = this.marks[k * MARK + 1] - y;
      const far = dx * dx + dy * dy;
      if (far < least) [best, least] = [this.#entities[k], far];
    }
    return best;
  }

  /** Where an entity is on the map; null where it was not seen in the last picture. */
  place(entity) {
    const index = entity >>> 0;
    const known = index < this.#cap && this.#seen[index] === this.#picture;
    if (!known || this.#generation[index] !== Math.floor(entity / 4294967296)) return null;
    return { x: this.#x[index], y: this.#y[index] };
  }
}
