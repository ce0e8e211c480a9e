// SPDX-License-Identifier: MIT
// Tabs, with the keys that tabs have: arrows go from one to the next.

/** Makes the buttons of a tab list show their panels. */
export class Tabs {
  readonly #tabs: readonly HTMLElement[];

  constructor(place: HTMLElement) {
    this.#tabs = [...place.querySelectorAll<HTMLElement>('[role="tab"]')];
    for (const tab of this.#tabs) {
      tab.addEventListener('click', () => this.show(tab));
      tab.addEventListener('keydown', event => this.#key(event, tab));
    }
  }

  show(shown: HTMLElement): void {
    for (const tab of this.#tabs) {
      const panel = document.getElementById(tab.getAttribute('aria-controls')!)!;
      tab.setAttribute('aria-selected', String(tab === shown));
      tab.tabIndex = tab === shown ? 0 : -1;
      panel.hidden = tab !== shown;
    }
  }

  #key(event: KeyboardEvent, tab: HTMLElement): void {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const { length } = this.#tabs;
    const next = this.#tabs[(this.#tabs.indexOf(tab) + by + length) % length]!;
    this.show(next);
    next.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
