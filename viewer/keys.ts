// SPDX-License-Identifier: MIT
// The keyboard, as in Perfetto: W, S, A and D zoom and pan for as long as they are held. Keys of
// the page are left alone in fields, and those that buttons and tables need where these have the
// focus.

import { panned, zoomed } from './gestures.ts';
import type { Span } from './gantt.ts';
import type { State } from './state.ts';

/** What keys can do beside what the state does. */
export interface KeyActions {
  find(): void;
  help(): void;
  /** Closes what is open; the page's part of Escape. */
  close(): boolean;
  path(by: number): void;
  busy(): boolean;
  /** The moment under the pointer, where it is over the chart. */
  pointer(): number | null;
}

/** One key press moves so much at once; held ones go on. */
const STEP = 0.12;
/** Parts of the view, or zoom factors as powers of e, in a second. */
const SPEED = 1.6;

const HELD: Readonly<Record<string, 'in' | 'out' | 'left' | 'right'>> = {
  KeyW: 'in',
  KeyS: 'out',
  KeyA: 'left',
  KeyD: 'right',
};

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement
    && (target.matches('input, select, textarea') || target.isContentEditable)
  );
}

function onControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('button, a, summary, [role="tab"]');
}

/** Listens to the keys of a page. */
export class Keys {
  readonly #state: State;
  readonly #actions: KeyActions;
  readonly #held = new Set<string>();
  #last = 0;

  constructor(state: State, actions: KeyActions) {
    this.#state = state;
    this.#actions = actions;
    document.addEventListener('keydown', event => this.#down(event));
    document.addEventListener('keyup', event => this.#held.delete(event.code));
    addEventListener('blur', () => this.#held.clear());
  }

  #down(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (this.#actions.busy()) return;
    const move = HELD[event.code];
    const done = move ? this.#hold(event, move) : this.#press(event);
    if (done) event.preventDefault();
  }

  #hold(event: KeyboardEvent, move: 'in' | 'out' | 'left' | 'right'): boolean {
    if (event.repeat || !this.#state.model) return true;
    this.#moveBy(move, STEP);
    if (!this.#held.size) {
      this.#last = performance.now();
      requestAnimationFrame(() => this.#glide());
    }
    this.#held.add(event.code);
    return true;
  }

  #glide(): void {
    const now = performance.now();
    const seconds = Math.min(0.05, (now - this.#last) / 1000);
    this.#last = now;
    for (const code of this.#held) this.#moveBy(HELD[code]!, SPEED * seconds);
    if (this.#held.size) requestAnimationFrame(() => this.#glide());
  }

  #moveBy(move: 'in' | 'out' | 'left' | 'right', by: number): void {
    const { view } = this.#state;
    let next: Span;
    if (move === 'left' || move === 'right') next = panned(view, move === 'left' ? -by : by);
    else {
      const pointer = this.#actions.pointer();
      const at = pointer ?? (view.begin + view.end) / 2;
      next = zoomed(view, Math.exp(move === 'in' ? -by * 1.5 : by * 1.5), at);
    }
    this.#state.setView(next);
  }

  #press(event: KeyboardEvent): boolean {
    const state = this.#state;
    const free = !onControl(event.target);
    switch (event.key) {
      case '/':
        this.#actions.find();
        return true;
      case '?':
        this.#actions.help();
        return true;
      case 'f':
      case 'F':
        return this.#fit();
      case 'm':
      case 'M':
        state.mark(state.selection);
        return true;
      case '[':
      case ']':
        this.#actions.path(event.key === '[' ? -1 : 1);
        return true;
      case '{':
      case '}':
        state.stepNamesake(event.key === '{' ? -1 : 1);
        return true;
      case ',':
      case '.':
        state.stepFrame(event.key === ',' ? -1 : 1);
        return true;
      case '<':
      case '>':
        state.stepWorst(event.key === '<' ? -1 : 1);
        return true;
      case 'Enter':
        return free && this.#fit();
      case 'Escape':
        return this.#escape();
      default:
        return free && this.#arrow(event.key);
    }
  }

  #arrow(key: string): boolean {
    const way = {
      ArrowLeft: 'left',
      ArrowRight: 'right',
      ArrowUp: 'up',
      ArrowDown: 'down',
    } as const;
    if (!(key in way)) return false;
    // Where nothing of the chart has the focus, arrows scroll the page.
    const focused = document.activeElement;
    if (!focused?.closest('#gantt') && focused !== document.body) return false;
    this.#state.stepZone(way[key as keyof typeof way]);
    return true;
  }

  #fit(): boolean {
    const span = this.#state.selection;
    if (!span) return false;
    const air = (span.end - span.begin) * 0.03;
    this.#state.look({ begin: span.begin - air, end: span.end + air });
    return true;
  }

  /** Lets go one thing after the other: what is open, the zone, the marked stretch. */
  #escape(): boolean {
    const state = this.#state;
    if (this.#actions.close()) return true;
    if (state.chosen) state.selectZone(null);
    else if (state.matches) state.search('');
    else if (state.marked) state.mark(null);
    else return false;
    return true;
  }
}
