// SPDX-License-Identifier: MIT
// What the light and the dark view are made of: for the canvases as they are, and for the page's
// style sheet as variables of the same names.

import { mix, paintOf, parse, type Paint } from './colours.ts';

/** Colours of a view. */
export interface Theme {
  readonly dark: boolean;
  /** Behind everything. */
  readonly ground: string;
  /** Cards, tables and the Gantt's own ground. */
  readonly card: string;
  /** Behind the names of rows and in the heads of tables. */
  readonly field: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  /** Lines of the grid. */
  readonly faint: string;
  /** Buttons and links. */
  readonly accent: string;
  readonly onAccent: string;
  /** The critical path, and frames over their budget. */
  readonly hot: string;
  /** The same, behind text. */
  readonly hotField: string;
  readonly fault: string;
  readonly good: string;
  /** What is chosen. */
  readonly chosen: string;
  /** Zones without a name of their own: frame, tasks, commit. */
  readonly quiet: readonly [string, string, string];
  /** Strokes of idle time, by number of REASON. */
  readonly idle: readonly string[];
  /** Bars of the strip. */
  readonly bar: string;
}

/** By day. */
export const LIGHT: Theme = {
  dark: false,
  ground: '#f3f5f5',
  card: '#ffffff',
  field: '#f6f8f8',
  ink: '#14202a',
  soft: '#54636d',
  line: '#dbe1e4',
  faint: '#edf0f1',
  accent: '#14567c',
  onAccent: '#ffffff',
  hot: '#bf3d07',
  hotField: '#fdf1ea',
  fault: '#c3152b',
  good: '#1a6b3c',
  chosen: '#0b0f12',
  quiet: ['#dde4e8', '#cbd5db', '#b6c3cb'],
  idle: ['', '#dbe2e5', '#b9c5cc', '#d9a86c', '#dd7f86', '#eef1f2'],
  bar: '#8fa3b0',
};

/** By night. */
export const DARK: Theme = {
  dark: true,
  ground: '#0d1318',
  card: '#131b22',
  field: '#18222a',
  ink: '#e6edf2',
  soft: '#94a5b1',
  line: '#26323c',
  faint: '#1b252e',
  accent: '#8fcdf0',
  onAccent: '#08131b',
  hot: '#ff9d4d',
  hotField: '#2b2119',
  fault: '#ff6b6b',
  good: '#67d391',
  chosen: '#ffffff',
  quiet: ['#26323c', '#303e49', '#3d4d5a'],
  idle: ['', '#313e49', '#4d5e6b', '#9a7038', '#a04650', '#182129'],
  bar: '#566976',
};

/** The paint of a zone that has no name of its own, by how much it weighs. */
export function quietPaint(theme: Theme, weight: 0 | 1 | 2): Paint {
  return paintOf(parse(theme.quiet[weight]), parse(theme.card));
}

/** A paint for what went wrong. */
export function faultPaint(theme: Theme): Paint {
  const part = theme.dark ? 0.55 : 0.35;
  return paintOf(mix(parse(theme.fault), parse(theme.card), part), parse(theme.card));
}

/** Gives a page the colours as variables: --ground, --on-accent and so on. */
export function applyTheme(root: HTMLElement, theme: Theme): void {
  for (const [name, value] of Object.entries(theme)) {
    if (typeof value !== 'string') continue;
    const dashed = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
    root.style.setProperty(`--${dashed}`, value);
  }
  (theme.idle as string[]).forEach((value, i) => {
    if (value) root.style.setProperty(`--idle-${i}`, value);
  });
  root.style.colorScheme = theme.dark ? 'dark' : 'light';
}
