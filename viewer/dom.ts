// SPDX-License-Identifier: MIT
// Small helpers for the page's elements. Text only ever becomes text: names come from files.

type Child = Node | string | null | undefined | false;

/** What an element is made with: attributes, `class`, listeners as `onclick`. */
export type Props = Readonly<
  Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>
>;

/** Makes an element. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, '');
    else made.setAttribute(name, String(value));
  }
  for (const child of children) if (child) made.append(child);
  return made;
}

/** The page's element of an id, of a class that it must have. */
export function byId<T extends HTMLElement>(id: string, of: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof of)) throw new Error(`the page has no ${of.name} #${id}`);
  return found;
}

/** A square of a colour before a name. */
export function chip(colour: string): HTMLElement {
  const made = el('i', { class: 'chip', 'aria-hidden': 'true' });
  made.style.background = colour;
  return made;
}

/** A bar that shows a part of one beside its figure. */
export function meter(part: number, colour?: string): HTMLElement {
  const fill = el('i');
  fill.style.width = `${Math.max(0, Math.min(1, part)) * 100}%`;
  if (colour) fill.style.background = colour;
  return el('span', { class: 'meter', 'aria-hidden': 'true' }, fill);
}

/** Text for screen readers alone. */
export function unseen(text: string): HTMLElement {
  return el('span', { class: 'unseen' }, text);
}
