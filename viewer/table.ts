// SPDX-License-Identifier: MIT
// A table that can be sorted: a real one, with a caption, heads of columns and of rows, and buttons
// in its head that say by which column and in which direction it is sorted.

import { el } from './dom.ts';
import { count, inUnit, unitOf, type Unit } from './format.ts';

/** A column. Times are given by `ns`, and stand in one unit for all rows. */
export interface Column<T> {
  readonly title: string;
  /** What the head says when it is pointed at. */
  readonly hint?: string;
  /** What rows are sorted by; none where the column cannot be sorted by. */
  readonly value?: (row: T) => number | string;
  /** A time, in nanoseconds; stands for `value` and `cell`. */
  readonly ns?: (row: T) => number;
  readonly cell?: (row: T) => Node | string;
  /** Names stand left, figures right. */
  readonly left?: boolean;
  readonly className?: string;
}

/** What a table needs. */
export interface TableOptions<T> {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  /** What the table says when it has no rows. */
  readonly empty: string;
  /** Sorted by this column at first, the largest first; as given, if none. */
  readonly sort?: number;
  /** Rows beyond so many are shown when asked for. */
  readonly limit?: number;
  /** So are rows that say little. */
  readonly minor?: (row: T) => boolean;
  /** A row was chosen, by its first cell or anywhere in it. */
  readonly onPick?: (row: T) => void;
  readonly current?: (row: T) => boolean;
}

/** A sortable table. */
export class DataTable<T> {
  readonly element: HTMLElement;
  readonly #options: TableOptions<T>;
  readonly #head = el('tr');
  readonly #body = el('tbody');
  readonly #caption: HTMLElement;
  readonly #more: HTMLButtonElement;
  #rows: readonly T[] = [];
  #sort: number;
  #down = true;
  #all = false;

  constructor(options: TableOptions<T>) {
    this.#options = options;
    this.#sort = options.sort ?? -1;
    this.#caption = el('caption', {}, options.caption);
    const table = el('table', {}, this.#caption, el('thead', {}, this.#head), this.#body);
    this.#more = el('button', { type: 'button', class: 'more', hidden: true });
    this.#more.addEventListener('click', () => {
      this.#all = true;
      this.#fill();
    });
    this.element = el('div', { class: 'table' }, table, this.#more);
    this.#heads([]);
    this.#body.addEventListener('click', event => this.#clicked(event));
  }

  /** The rows in the order in which they are shown. */
  get shown(): readonly T[] {
    const column = this.#options.columns[this.#sort];
    const value = column && (column.ns ?? column.value);
    if (!value) return this.#rows;
    const sign = this.#down ? -1 : 1;
    return [...this.#rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (typeof x === 'string' || typeof y === 'string') {
        return sign * String(x).localeCompare(String(y), 'en', { numeric: true });
      }
      return sign * (x - y) || 0;
    });
  }

  set(rows: readonly T[], caption?: string): void {
    this.#rows = rows;
    this.#all = false;
    if (caption !== undefined) this.#caption.textContent = caption;
    this.#fill();
  }

  /** Marks the current row anew. */
  mark(): void {
    const { current } = this.#options;
    this.#some().forEach((row, i) => {
      const line = this.#body.rows[i];
      if (current?.(row)) line?.setAttribute('aria-current', 'true');
      else line?.removeAttribute('aria-current');
    });
  }

  #fill(): void {
    const { columns, empty } = this.#options;
    const units = columns.map(({ ns }) =>
      ns ? unitOf(this.#rows.reduce((most, row) => Math.max(most, ns(row)), 0)) : null,
    );
    this.#heads(units);
    const rows = this.shown;
    const some = this.#some();
    this.#body.replaceChildren(...some.map(row => this.#line(row, units)));
    if (!some.length) {
      this.#body.append(el('tr', { class: 'empty' }, el('td', { colspan: columns.length }, empty)));
    }
    this.#more.hidden = some.length === rows.length;
    this.#more.textContent = `Show all ${count(rows.length)}`;
    this.mark();
  }

  /** The rows that the table has at the moment. */
  #some(): readonly T[] {
    const { limit = Infinity, minor } = this.#options;
    if (this.#all) return this.shown;
    const major = minor ? this.shown.filter(row => !minor(row)) : this.shown;
    return major.slice(0, limit);
  }

  #line(row: T, units: readonly (Unit | null)[]): HTMLElement {
    const cells = this.#options.columns.map((column, i) => {
      const { ns, cell, value } = column;
      const content = cell ? cell(row) : ns ? inUnit(ns(row), units[i]!) : String(value!(row));
      const props = { class: [column.left ? 'left' : '', column.className ?? ''].join(' ').trim() };
      if (i > 0) return el('td', props, content);
      const head = this.#options.onPick
        ? el('button', { type: 'button', class: 'pick' }, content)
        : content;
      return el('th', { ...props, scope: 'row' }, head);
    });
    return el('tr', {}, ...cells);
  }

  #heads(units: readonly (Unit | null | undefined)[]): void {
    const focused = [...this.#head.cells].findIndex(cell => cell.contains(document.activeElement));
    const heads = this.#options.columns.map((column, i) => {
      const unit = units[i]?.name;
      const props = {
        scope: 'col',
        class: [column.left ? 'left' : '', column.className ?? ''].join(' ').trim(),
        title: column.hint,
        'aria-sort': i === this.#sort ? (this.#down ? 'descending' : 'ascending') : null,
      };
      const text = [column.title, unit ? el('small', {}, ` ${unit}`) : null];
      if (!column.ns && !column.value) return el('th', props, ...text);
      const sort = el('button', { type: 'button', onclick: () => this.#sortBy(i) }, ...text);
      return el('th', props, sort);
    });
    this.#head.replaceChildren(...heads);
    if (focused >= 0) heads[focused]?.querySelector('button')?.focus();
  }

  #sortBy(i: number): void {
    const column = this.#options.columns[i]!;
    // Names begin with the first, figures with the largest.
    if (this.#sort === i) this.#down = !this.#down;
    else this.#down = !column.left;
    this.#sort = i;
    this.#fill();
  }

  #clicked(event: Event): void {
    const line = event.target instanceof Element && event.target.closest('tr');
    if (!line || !this.#options.onPick) return;
    const row = this.#some()[line.rowIndex - 1];
    if (row !== undefined) this.#options.onPick(row);
  }
}
