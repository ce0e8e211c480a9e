// SPDX-License-Identifier: MIT
// The yardstick's world: one object for each component of each entity, in tables by the set of
// components, with a changed flag a value. What a plain ECS in TypeScript looks like; written for
// this bench, with the method names of the design notes that the project started from.

export interface ComponentType<T> {
  readonly id: number;
  readonly name: string;
  readonly defaults: () => T;
}

interface Table {
  readonly mask: bigint;
  readonly entities: number[];
  /** Values by component id. */
  readonly columns: Map<number, unknown[]>;
  readonly changed: Map<number, Uint8Array>;
}

interface Place {
  table: Table;
  row: number;
}

export interface Query {
  readonly all: bigint;
  readonly tables: Table[];
}

export class ObjectWorld {
  readonly components: ComponentType<unknown>[] = [];
  private readonly tables = new Map<bigint, Table>();
  private readonly places: Place[] = [];

  defineComponent<T>(spec: { name: string; defaults: () => T }): ComponentType<T> {
    const component = { id: this.components.length, ...spec };
    this.components.push(component);
    return component;
  }

  /** Makes an entity with the components given; a later `add` would move it to another table. */
  create(...values: readonly [ComponentType<unknown>, unknown][]): number {
    let mask = 0n;
    for (const [component] of values) mask |= 1n << BigInt(component.id);
    const table = this.tables.get(mask) ?? this.newTable(mask);
    const row = table.entities.push(this.places.length) - 1;
    for (const [component, value] of values) table.columns.get(component.id)!.push(value);
    return this.places.push({ table, row }) - 1;
  }

  get<T>(entity: number, component: ComponentType<T>): T | undefined {
    const place = this.places[entity];
    return place?.table.columns.get(component.id)?.[place.row] as T | undefined;
  }

  set<T>(entity: number, component: ComponentType<T>, value: T): void {
    const { table, row } = this.places[entity]!;
    table.columns.get(component.id)![row] = value;
    this.flags(table, component.id)[row] = 1;
  }

  makeQuery({ all }: { all: readonly ComponentType<unknown>[] }): Query {
    let mask = 0n;
    for (const { id } of all) mask |= 1n << BigInt(id);
    const tables = [...this.tables.values()].filter(table => (table.mask & mask) === mask);
    return { all: mask, tables };
  }

  *iter(query: Query): IterableIterator<[entity: number]> {
    for (const table of query.tables) for (const entity of table.entities) yield [entity];
  }

  beginTick(): void {
    for (const table of this.tables.values()) for (const set of table.changed.values()) set.fill(0);
  }

  private newTable(mask: bigint): Table {
    const columns = new Map<number, unknown[]>();
    for (const { id } of this.components) if (mask & (1n << BigInt(id))) columns.set(id, []);
    const table = { mask, entities: [], columns, changed: new Map() };
    this.tables.set(mask, table);
    return table;
  }

  private flags(table: Table, id: number): Uint8Array {
    const found = table.changed.get(id);
    if (found && found.length >= table.entities.length) return found;
    const made = new Uint8Array(table.entities.length);
    if (found) made.set(found);
    table.changed.set(id, made);
    return made;
  }
}
