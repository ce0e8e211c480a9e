// SPDX-License-Identifier: MIT
// Colours of zones. A name has one colour, in every trace and on every machine: its hash picks hue
// and shade. Lightness is OKLCH's, so that all names weigh the same, and what is written on them
// has a contrast of 4.5 or more in both themes.

/** A colour as sRGB, each from 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** A filled colour, and what can be read on it. */
export interface Paint {
  readonly fill: string;
  readonly text: string;
  /** The fill mixed with the background: index 0 is thin, the last is the fill itself. */
  readonly shades: readonly string[];
  /** The same as the pixels of an image have them. */
  readonly pixels: readonly number[];
}

/** How many shades a paint has. */
export const SHADES = 5;

/** FNV-1a over UTF-16 units. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  // FNV's low bits know little of a short name's first letters.
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

function channel(linear: number): number {
  const x = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, x)));
}

/** OKLCH as sRGB; what sRGB has not is clipped. */
export function oklch(lightness: number, chroma: number, hue: number): Rgb {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    channel(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** WCAG's relative luminance. */
export function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map(value => {
    const x = value / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** WCAG's contrast of two colours, from 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** "#rrggbb" as a colour. */
export function parse(hex: string): Rgb {
  const n = Number.parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

/** A colour as "#rrggbb". */
export function hexOf(colour: Rgb): string {
  return `#${colour.map(value => value.toString(16).padStart(2, '0')).join('')}`;
}

/** So much of `a`, the rest `b`. */
export function mix(a: Rgb, b: Rgb, part: number): Rgb {
  return [0, 1, 2].map(i => Math.round(a[i]! * part + b[i]! * (1 - part))) as unknown as Rgb;
}

const INKS: readonly Rgb[] = [parse('#10191f'), parse('#ffffff')];

/** A paint over a background, with the text that is read best on it. */
export function paintOf(fill: Rgb, background: Rgb): Paint {
  const [dark, light] = INKS as [Rgb, Rgb];
  const text = contrast(fill, dark) >= contrast(fill, light) ? dark : light;
  const mixed = Array.from({ length: SHADES }, (_, i) =>
    mix(fill, background, 0.16 + (0.84 * i) / (SHADES - 1)),
  );
  // An image's bytes are red, green, blue, alpha; every browser's words are little-endian.
  const pixels = mixed.map(([r, g, b]) => (0xff000000 | (b << 16) | (g << 8) | r) >>> 0);
  return { fill: hexOf(fill), text: hexOf(text), shades: mixed.map(hexOf), pixels };
}

/** Hues in the circle. */
const HUES = 24;

/** Where a name's colour lies: one of 24 hues in three shades. */
export interface Slot {
  readonly hue: number;
  readonly shade: number;
}

/** The slot of a name by itself. */
export function slotOf(name: string): Slot {
  const h = hash(name);
  return { hue: h % HUES, shade: (h >>> 8) % 3 };
}

/** The colour of a slot. */
export function slotColour({ hue, shade }: Slot, dark: boolean): Rgb {
  const angle = (hue * 360) / HUES;
  // Yellows and greens look pale where blues are still deep: the shades are few on purpose.
  return dark
    ? oklch(0.66 + 0.045 * shade, 0.115 - 0.012 * shade, angle)
    : oklch(0.77 + 0.04 * shade, 0.115 - 0.02 * shade, angle);
}

/**
 * The slots of names that are seen together. Each gets its own, unless one before it has a hue that
 * is hard to tell from it: then the nearest that is free. So names of a small plan never look
 * alike, and a plan has the same colours in each of its traces.
 */
export function slotsOf(names: readonly string[]): Slot[] {
  const taken: number[] = [];
  return names.map(name => {
    const own = slotOf(name);
    const hue = freeHue(own.hue, taken);
    taken.push(hue);
    return { ...own, hue };
  });
}

/** The hue nearest to one that is far enough from those taken; less far, the more there are. */
function freeHue(own: number, taken: readonly number[]): number {
  for (let apart = 3; apart > 0; apart--) {
    for (let i = 0; i < HUES; i++) {
      const hue = (own + (i % 2 ? (i + 1) / 2 : HUES - i / 2)) % HUES;
      if (taken.every(other => distance(other, hue) >= apart)) return hue;
    }
  }
  return own;
}

function distance(a: number, b: number): number {
  const way = Math.abs(a - b);
  return Math.min(way, HUES - way);
}
