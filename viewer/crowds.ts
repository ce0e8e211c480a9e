// SPDX-License-Identifier: MIT
// Columns of crowded zones are painted as pixels: a lane is one line of an image, which is
// stretched to the lane's height when all lanes are known. A thousand small rectangles a lane would
// take longer than the rest of the picture.

interface Line {
  readonly y: number;
  readonly height: number;
}

/** The crowded columns of one picture. */
export class Crowds {
  #canvas: OffscreenCanvas | null = null;
  #image: ImageData | null = null;
  #words = new Uint32Array(0);
  #columns = 0;
  readonly #lines: Line[] = [];
  #used = false;

  /** Begins a picture of so many columns. */
  begin(columns: number): void {
    this.#columns = columns;
    // An image has the width of what is shown, or its lines would be cut elsewhere.
    if (this.#image?.width !== columns) this.#words = new Uint32Array(0);
    this.#words.fill(0);
    this.#lines.length = 0;
    this.#used = false;
  }

  /** The lane that columns belong to from now on. */
  lane(y: number, height: number): void {
    if (!this.#used) this.#lines.pop();
    this.#lines.push({ y, height });
    this.#used = false;
    const size = this.#lines.length * this.#columns;
    if (size <= this.#words.length) return;
    const lines = Math.max(16, 2 * this.#lines.length);
    const image = new ImageData(this.#columns, lines);
    const words = new Uint32Array(image.data.buffer);
    words.set(this.#words);
    this.#image = image;
    this.#words = words;
    this.#canvas = new OffscreenCanvas(this.#columns, lines);
  }

  /** Fills columns of the lane. */
  fill(pixel: number, from: number, to: number): void {
    const at = (this.#lines.length - 1) * this.#columns;
    this.#words.fill(pixel, at + from, at + to);
    this.#used = true;
  }

  /** Draws all lanes. */
  draw(g: CanvasRenderingContext2D, left: number, scale: number): void {
    if (!this.#used) this.#lines.pop();
    const [canvas, image] = [this.#canvas, this.#image];
    const to = canvas?.getContext('2d');
    if (!to || !canvas || !image || !this.#lines.length) return;
    const columns = this.#columns;
    to.putImageData(image, 0, 0, 0, 0, columns, this.#lines.length);
    g.imageSmoothingEnabled = false;
    this.#lines.forEach(({ y, height }, i) => {
      g.drawImage(canvas, 0, i, columns, 1, left, y, columns / scale, height);
    });
  }
}
