// SPDX-License-Identifier: MIT
// The search field: airports by code or name, flights by call sign or as "LHR JFK". A combo box as
// the ARIA patterns have it: arrows choose, Enter goes there, Escape leaves.

import { Route, callSign } from './components.js';

const MOST = 8;

const plain = text =>
  text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();

/** How well an airport fits, 0: not at all. */
function fits(airport, words) {
  const { iata, icao, name } = airport.plain;
  let sum = 0;
  for (const word of words) {
    let best = 0;
    if (iata === word) best = 9;
    else if (icao === word) best = 8;
    else if (word.length > 1 && iata.startsWith(word)) best = 5;
    else if (name.startsWith(word)) best = 4;
    else if (name.includes(` ${word}`)) best = 3;
    else if (word.length > 2 && name.includes(word)) best = 1;
    if (!best) return 0;
    sum += best;
  }
  return sum;
}

export class Search {
  #field = document.querySelector('#search');
  #list = document.querySelector('#found');
  #items = [];
  #at = -1;
  #airports = [];
  #frame;
  #choose;

  constructor({ frame, choose }) {
    this.#frame = frame;
    this.#choose = choose;
    this.#field.addEventListener('input', () => this.#look());
    this.#field.addEventListener('focus', () => this.#look());
    this.#field.addEventListener('blur', () => setTimeout(() => this.#close(), 120));
    this.#field.addEventListener('keydown', event => this.#key(event));
    // Before the field loses the focus.
    this.#list.addEventListener('pointerdown', event => {
      const row = event.target.closest('li');
      if (!row) return;
      event.preventDefault();
      this.#go(Number(row.dataset.row));
    });
    addEventListener('keydown', event => {
      if (event.key !== '/' || event.target.closest('input')) return;
      event.preventDefault();
      this.#field.focus();
      this.#field.select();
    });
  }

  set airports(airports) {
    this.#airports = airports
      .filter(a => a)
      .map(a => ({
        ...a,
        plain: { iata: plain(a.iata), icao: plain(a.icao), name: plain(a.name) },
      }));
  }

  #look() {
    const text = plain(this.#field.value.trim());
    if (!text) return this.#close();
    const words = text.split(/[\s,>\u2013-]+/).filter(w => w);
    const found = [...this.#flights(text, words), ...this.#places(words)].slice(0, MOST);
    const [from, to] = words.map(word => this.#code(word));
    const route = words.length === 2 && from !== undefined && to !== undefined;
    this.#show(
      found,
      route ? 'No flight between the two just now' : 'Nothing of that name is here',
    );
  }

  #places(words) {
    return this.#airports
      .map(airport => ({ airport, score: fits(airport, words) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || a.airport.name.localeCompare(b.airport.name))
      .slice(0, MOST)
      .map(({ airport }) => ({
        kind: 'airport',
        airport,
        code: airport.iata || airport.icao,
        text: airport.name,
        side: airport.country,
      }));
  }

  #code(word) {
    return this.#airports.find(a => a.plain.iata === word)?.index;
  }

  /** Flights of a number, or of a route between two codes. */
  #flights(text, words) {
    const number = /^sk\s*(\d+)$|^(\d{2,})$/.exec(text);
    const [from, to] = words.length === 2 ? words.map(word => this.#code(word)) : [];
    if (!number && (from === undefined || to === undefined)) return [];
    const wanted = number ? Number(number[1] ?? number[2]) : -1;
    const found = [];
    this.#frame().each([Route], (n, route, entities) => {
      for (let i = 0; i < n && found.length < MOST; i++) {
        const entity = entities.at(i);
        const fit = number ? entity >>> 0 === wanted : route.from[i] === from && route.to[i] === to;
        if (fit) found.push(this.#flight(entity, route.from[i], route.to[i]));
      }
    });
    return found;
  }

  #flight(entity, from, to) {
    const name = index => {
      const airport = this.#airports.find(a => a.index === index);
      return airport ? airport.iata || airport.icao : '?';
    };
    return {
      kind: 'flight',
      entity,
      code: callSign(entity),
      text: `${name(from)} to ${name(to)}`,
      side: 'flight',
    };
  }

  #show(items, none) {
    this.#items = items;
    this.#at = items.length ? 0 : -1;
    this.#list.replaceChildren(
      ...items.map((item, row) => {
        const li = document.createElement('li');
        li.id = `found-${row}`;
        li.role = 'option';
        li.dataset.row = row;
        for (const part of ['code', 'text', 'side']) {
          const span = document.createElement('span');
          span.className = part;
          span.textContent = item[part];
          li.append(span);
        }
        return li;
      }),
    );
    if (!items.length) {
      const li = document.createElement('li');
      li.className = 'none';
      li.textContent = none;
      this.#list.append(li);
    }
    this.#list.hidden = false;
    this.#field.setAttribute('aria-expanded', 'true');
    this.#mark();
  }

  #mark() {
    for (const li of this.#list.children) {
      li.ariaSelected = String(Number(li.dataset.row) === this.#at);
    }
    if (this.#at >= 0) this.#field.setAttribute('aria-activedescendant', `found-${this.#at}`);
    else this.#field.removeAttribute('aria-activedescendant');
  }

  #close() {
    this.#list.hidden = true;
    this.#items = [];
    this.#field.setAttribute('aria-expanded', 'false');
    this.#field.removeAttribute('aria-activedescendant');
  }

  #key(event) {
    const n = this.#items.length;
    if (event.key === 'ArrowDown' && n) this.#at = (this.#at + 1) % n;
    else if (event.key === 'ArrowUp' && n) this.#at = (this.#at + n - 1) % n;
    else if (event.key === 'Enter') this.#go(this.#at);
    else if (event.key === 'Escape') {
      this.#close();
      this.#field.blur();
    } else return;
    event.preventDefault();
    this.#mark();
  }

  #go(row) {
    const item = this.#items[row];
    if (!item) return;
    this.#field.value = item.kind === 'airport' ? item.text : item.code;
    this.#close();
    this.#field.blur();
    this.#choose(item);
  }
}
