// SPDX-License-Identifier: MIT
// The page's head: what trace this is, the search, the buttons; and what screen readers are told
// when a frame or a zone is selected.

import { KIND_TEXT } from '../js/src/trace/kinds.js';
import type { TraceFrame } from '../js/src/trace/types.js';
import { byId, el } from './dom.ts';
import { count, list, plural, threadName, time } from './format.ts';
import type { ZoneRef } from './gantt.ts';
import type { State } from './state.ts';
import { verdictOf } from './verdict.ts';

/** What the head's buttons do. */
export interface HeaderActions {
  open(files: readonly File[]): void;
  compare(files: readonly File[]): void;
  theme(): void;
  view(which: 'timeline' | 'compare'): void;
}

const button = (id: string): HTMLButtonElement => byId(id, HTMLButtonElement);

/** The head of the page. */
export class Header {
  readonly #state: State;
  readonly #actions: HeaderActions;
  readonly #search = byId('search', HTMLInputElement);
  readonly #found = byId('found', HTMLOutputElement);
  readonly #live = byId('live', HTMLElement);

  constructor(state: State, actions: HeaderActions) {
    this.#state = state;
    this.#actions = actions;
    state.on('trace', () => this.#title());
    state.on('search', () => this.#matched());
    this.#files();
    this.#finder();
    button('theme').addEventListener('click', () => actions.theme());
    const help = byId('help', HTMLDialogElement);
    button('help-open').addEventListener('click', () => help.showModal());
    help.addEventListener('click', event => {
      if (event.target === help) help.close();
    });
    for (const which of ['timeline', 'compare'] as const) {
      button(`view-${which}`).addEventListener('click', () => actions.view(which));
    }
  }

  #files(): void {
    const input = byId('file', HTMLInputElement);
    let take = this.#actions.open;
    const ask = (how: typeof take): void => {
      take = how;
      input.value = '';
      input.click();
    };
    input.addEventListener('change', () => take([...(input.files ?? [])]));
    for (const id of ['open', 'pick']) {
      button(id).addEventListener('click', () => ask(files => this.#actions.open(files)));
    }
    button('compare-with').addEventListener('click', () =>
      ask(files => this.#actions.compare(files)),
    );
  }

  #finder(): void {
    const state = this.#state;
    let wait: ReturnType<typeof setTimeout> | undefined;
    const now = (): void => {
      clearTimeout(wait);
      const query = this.#search.value.trim();
      if (query !== (state.matches?.query ?? '')) state.search(query);
    };
    this.#search.addEventListener('input', () => {
      clearTimeout(wait);
      wait = setTimeout(now, 100);
    });
    this.#search.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        this.#search.value = '';
        now();
        this.#search.blur();
        event.preventDefault();
      }
      if (event.key !== 'Enter') return;
      now();
      const frame = this.#frameOf(this.#search.value);
      if (frame && !state.matches?.count) state.selectFrame(frame.index);
      else state.stepMatch(event.shiftKey ? -1 : 1);
    });
    button('found-back').addEventListener('click', () => state.stepMatch(-1));
    button('found-next').addEventListener('click', () => state.stepMatch(1));
  }

  /** The frame that a text names: "812", "frame 812". */
  #frameOf(text: string): TraceFrame | undefined {
    const [, tick] = /^(?:frame\s+)?(\d+)$/i.exec(text.trim()) ?? [];
    if (tick === undefined) return undefined;
    return this.#state.model?.trace.frames.find(frame => frame.tick === Number(tick));
  }

  #matched(): void {
    const { matches, chosen } = this.#state;
    if (!matches && document.activeElement !== this.#search) this.#search.value = '';
    let text = '';
    if (matches) {
      const at = chosen ? matches.indexOf(chosen) : -1;
      if (!matches.count) {
        const frame = this.#frameOf(matches.query);
        text = frame ? `Enter goes to frame ${frame.tick}` : 'no match';
      } else {
        text =
          at >= 0 ? `${count(at + 1)} of ${count(matches.count)}` : plural(matches.count, 'match');
        text = text.replace('matchs', 'matches');
      }
    }
    this.#found.textContent = text;
    for (const id of ['found-back', 'found-next']) button(id).hidden = !matches?.count;
  }

  find(): void {
    this.#search.focus();
    this.#search.select();
  }

  #title(): void {
    const { model, name } = this.#state;
    if (!model) return;
    const { trace } = model;
    const scene = trace.host.get('scene');
    const title = scene ?? (name.replace(/\.skept$/, '') || 'Trace');
    byId('title', HTMLElement).textContent = title;
    document.title = `${title} – skep trace`;
    const facts = [
      scene && name ? name : '',
      plural(trace.frames.length, 'frame'),
      plural(trace.rows.length, 'thread'),
      plural(model.zones, 'zone'),
      time(model.end - model.begin),
      trace.host.get('executor') ?? '',
      trace.unixNs ? new Date(trace.unixNs / 1e6).toLocaleString() : '',
    ];
    const about = byId('about', HTMLElement);
    about.replaceChildren(...facts.filter(Boolean).map(fact => el('span', {}, fact)));
    about.title = [...trace.host].map(([key, value]) => `${key}: ${value}`).join('\n');
    this.#describeStrip();
  }

  #describeStrip(): void {
    const { model, worst } = this.#state;
    const { frames, budgetNs } = model!.trace;
    const took = ({ begin, end }: TraceFrame): number => end - begin;
    const over = frames.filter(frame => budgetNs && took(frame) > budgetNs).length;
    const slowest = worst.slice(0, 3).map(frame => `${frame.tick} with ${time(took(frame))}`);
    const label = [
      `${plural(frames.length, 'frame')} as bars.`,
      budgetNs ? `The budget is ${time(budgetNs)}; ${plural(over, 'frame')} took longer.` : '',
      slowest.length ? `The slowest: ${list(slowest)}.` : '',
      'The table of worst frames lists them.',
    ];
    byId('strip-canvas', HTMLCanvasElement).setAttribute(
      'aria-label',
      label.filter(Boolean).join(' '),
    );
  }

  /** Says what the chart shows, and the verdict. */
  describe(frame: TraceFrame | null): void {
    const { model } = this.#state;
    if (!model) return;
    const threads = plural(model.trace.rows.length, 'thread');
    const verdict = frame ? verdictOf(model.trace, frame) : null;
    const which = frame ? `frame ${frame.tick}, with its critical path` : 'no frame';
    const label = `Chart of what ${threads} did in ${which}.`;
    byId('gantt-canvas', HTMLCanvasElement).setAttribute(
      'aria-label',
      `${label} ${verdict?.headline ?? ''} The table of the critical path lists it.`,
    );
    if (verdict)
      this.#live.textContent = `${verdict.headline} ${[...verdict.why, ...verdict.more].join(' ')}`;
  }

  /** Says which zone was chosen. */
  say(chosen: ZoneRef | null): void {
    const thread = chosen && this.#state.model?.thread(chosen.thread);
    if (!thread) return;
    const { row, keys } = thread;
    const name = this.#state.model!.names.all[keys[chosen.zone]!]!;
    const kind = name.kind ? '' : `, ${KIND_TEXT[row.kind[chosen.zone]!]}`;
    const took = time(row.end[chosen.zone]! - row.begin[chosen.zone]!);
    this.#live.textContent = `${name.text}${kind} on ${threadName(row.thread)}, ${took}`;
    if (this.#state.matches) this.#matched();
  }

  /** Whether there are two traces to look at. */
  compared(two: boolean): void {
    byId('views', HTMLElement).hidden = !two;
  }

  viewed(which: 'timeline' | 'compare'): void {
    for (const one of ['timeline', 'compare'] as const) {
      button(`view-${one}`).setAttribute('aria-pressed', String(one === which));
    }
  }
}
