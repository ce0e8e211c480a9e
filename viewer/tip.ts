// SPDX-License-Identifier: MIT
// What is under the pointer, in a small card beside it.

import { KIND, KIND_TEXT, REASON_TEXT, WHY_TEXT } from '../js/src/trace/kinds.js';
import { systemName } from '../js/src/trace/sections.js';
import { el } from './dom.ts';
import { plural, threadName, time } from './format.ts';
import type { Hit, ZoneRef } from './gantt.ts';
import type { State } from './state.ts';

/** The card. */
export class Tip {
  readonly #place: HTMLElement;
  readonly #state: State;

  constructor(place: HTMLElement, state: State) {
    this.#place = place;
    this.#state = state;
  }

  /** Tells of a frame of the strip; -1 for none. */
  frame(index: number, clientX: number, canvas: HTMLCanvasElement): void {
    const frame = this.#state.model?.trace.frames[index];
    if (!frame) return this.#hide();
    const took = time(frame.end - frame.begin);
    this.#show([`Frame ${frame.tick}`, took], clientX, canvas.getBoundingClientRect().bottom - 6);
  }

  /** Tells of what a chart has at a place of its canvas. */
  hit(hit: Hit | null, x: number, y: number, canvas: HTMLCanvasElement): void {
    const lines = hit && this.#lines(hit);
    if (!lines) return this.#hide();
    const box = canvas.getBoundingClientRect();
    this.#show(lines, box.left + x, box.top + y);
  }

  #lines({ zone, idle, mark, span }: Hit): string[] | null {
    if (mark) return this.#mark(mark.kind, mark.low, mark.high);
    if (zone) return this.#zone(zone);
    if (span) return [span.name, time(span.end - span.begin)];
    if (!idle) return null;
    return [`Idle: ${REASON_TEXT[idle.reason]}`, time(idle.end - idle.begin)];
  }

  #zone({ thread, zone }: ZoneRef): string[] | null {
    const { model } = this.#state;
    const found = model?.thread(thread);
    if (!model || !found) return null;
    const { row, keys } = found;
    const name = model.names.all[keys[zone]!]!;
    const kind = row.kind[zone]!;
    const took = row.end[zone]! - row.begin[zone]!;
    const lines = [name.text, time(took)];
    if (!name.kind) {
      const blocks = kind === KIND.BLOCK ? `, ${plural(row.low[zone]! >>> 16, 'block')}` : '';
      lines.push(`${KIND_TEXT[kind]}${blocks}`);
    }
    if (model.trace.stepNs > 0 && took < model.trace.stepNs) {
      lines.push(`shorter than the clock's step of ${time(model.trace.stepNs)}`);
    }
    return lines;
  }

  #mark(kind: number, low: number, high: number): string[] {
    const number = low & 0xffff;
    const name = systemName(this.#state.model!.trace, number);
    if (kind === KIND.FAULT) return [`${name} failed`, `on ${threadName(low >>> 16)}`];
    return [`${plural(high, 'block')} copied for ${name}`, WHY_TEXT[low >>> 16] ?? ''];
  }

  #show([title = '', ...rest]: readonly string[], x: number, y: number): void {
    const place = this.#place;
    place.replaceChildren(el('b', {}, title), ...rest.map(line => el('span', {}, line)));
    place.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = place;
    const left = x + 14 + width > innerWidth ? x - 14 - width : x + 14;
    const top = y + 18 + height > innerHeight ? y - 12 - height : y + 18;
    place.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  #hide(): void {
    this.#place.hidden = true;
  }
}
