// SPDX-License-Identifier: MIT
// What is wrong with a file, said above everything else: what could be read is shown all the same.

import { byId, el } from './dom.ts';
import { plural } from './format.ts';

/** The notice on top of the page. */
export class Notices {
  readonly #place = byId('problems', HTMLElement);
  readonly #title = byId('problems-title', HTMLElement);
  readonly #text = byId('problems-text', HTMLElement);
  readonly #more = byId('problems-more', HTMLDetailsElement);
  readonly #list = byId('problems-list', HTMLElement);

  constructor() {
    byId('problems-close', HTMLButtonElement).addEventListener('click', () => {
      this.#place.hidden = true;
    });
  }

  /** What a reader found; nothing is shown for a good file. */
  problems(all: readonly string[], file = ''): void {
    const [first] = all;
    this.#place.hidden = !first;
    if (!first) return;
    const what = file || 'This trace';
    this.#say(`${what} is damaged.`, `What could be read is shown. ${first}`);
    this.#more.hidden = all.length < 2;
    this.#list.replaceChildren(...all.map(one => el('li', {}, one)));
    this.#more.querySelector('summary')!.textContent = `All ${plural(all.length, 'problem')}`;
  }

  /** Something is no trace at all. */
  refused(what: string, why: string): void {
    this.#place.hidden = false;
    this.#more.hidden = true;
    this.#say(`${what} holds no trace.`, why);
  }

  #say(title: string, text: string): void {
    this.#title.textContent = title;
    this.#text.textContent = text;
  }
}
