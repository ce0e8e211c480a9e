// SPDX-License-Identifier: MIT
// The small charts of counters: steps from value to value over a filled ground, painted pixel by
// pixel. As a path with thousands of corners one takes many times as long.

import type { TraceCounter } from '../js/src/trace/types.js';
import { parse } from './colours.ts';
import type { Row } from './gantt_layout.ts';
import type { Surface } from './surface.ts';

const ABOVE = 6;
const BELOW = 4;

const ranges = new WeakMap<TraceCounter, readonly [number, number]>();

function rangeOf(counter: TraceCounter): readonly [number, number] {
  let range = ranges.get(counter);
  if (!range) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of counter.value) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    range = [low, high];
    ranges.set(counter, range);
  }
  return range;
}

/** The value that holds at a moment; the first one before there is any. */
function valueAt(at: Float64Array, moment: number): number {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at[middle]! <= moment) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function pixelOf(hex: string): number {
  const [r, g, b] = parse(hex);
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}

/** Paints counters, in an image that is used again. */
export class Counters {
  #canvas: OffscreenCanvas | null = null;
  #image: ImageData | null = null;

  #room(width: number, height: number): ImageData {
    if (this.#image?.width !== width || this.#image.height !== height) {
      this.#image = new ImageData(width, height);
      this.#canvas = new OffscreenCanvas(width, height);
    }
    return this.#image;
  }

  /** Draws a counter's row. */
  paint(s: Surface, row: Row, top: number): void {
    const { at, value } = row.counter!;
    if (!at.length) return;
    const { g, window, theme, left, scale } = s;
    const { columns } = window;
    const height = Math.round(row.height * scale) - 1;
    const image = this.#room(columns, height);
    const words = new Uint32Array(image.data.buffer);
    words.fill(0);
    const [line, ground] = [pixelOf(theme.bar), pixelOf(theme.faint)];
    const thick = Math.max(1, Math.round(1.25 * scale));
    const [low, high] = rangeOf(row.counter!);
    const size = height - Math.round((ABOVE + BELOW) * scale);
    // Where nothing changes, a line in the middle says so.
    const y = (v: number): number =>
      Math.round(
        ABOVE * scale + (high === low ? size / 2 : size - ((v - low) / (high - low)) * size),
      );
    const perColumn = (window.end - window.begin) / columns;
    let i = valueAt(at, window.begin);
    let before = y(value[i]!);
    for (let column = 0; column < columns; column++) {
      const end = window.begin + (column + 1) * perColumn;
      // Of the values within a pixel the largest is shown.
      let most = value[i]!;
      if (i + 1 < at.length && at[i + 1]! < end) most = -Infinity;
      while (i + 1 < at.length && at[i + 1]! < end) most = Math.max(most, value[++i]!);
      const here = y(most);
      const [from, to] = [Math.min(before, here), Math.max(before, here) + thick];
      for (let p = from; p < height; p++) words[p * columns + column] = p < to ? line : ground;
      before = here;
    }
    const canvas = this.#canvas!;
    canvas.getContext('2d')!.putImageData(image, 0, 0);
    g.imageSmoothingEnabled = false;
    g.drawImage(canvas, left, top, columns / scale, height / scale);
  }
}
