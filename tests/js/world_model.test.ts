// SPDX-License-Identifier: MIT
// ctest: timeout=600
// Random operations against a naive world of Maps: after each round both say the same of every
// entity there ever was. The seed is printed; SKEP_SEED=N repeats one, SKEP_ROUNDS=N sets how many
// seeds are tried.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Parent, World, type AnyComponent, type Entity, type Snapshot } from 'skep';
import { Dice, Enemy, Health, Meta, Pos, Vel } from './support/worlds.ts';

const SEEDS = Number(process.env['SKEP_ROUNDS'] ?? 200);
const FIRST = Number(process.env['SKEP_SEED'] ?? 1);
const STEPS = 60;
const KINDS = [Pos, Vel, Health, Enemy, Meta, Parent] as readonly AnyComponent[];

type Values = Map<string, Record<string, unknown>>;
/** All that the model knows: who lives, with what. */
type State = Map<Entity, Values>;
interface Kept {
  readonly snapshot: Snapshot;
  readonly state: State;
  readonly hash: bigint;
}

const INITIAL: Record<string, () => Record<string, unknown>> = {
  Pos: () => ({ x: 0, y: 0 }),
  Vel: () => ({ x: 0, y: 0 }),
  Health: () => ({ now: 100, most: 200, worth: 0 }),
  Enemy: () => ({}),
  Meta: () => ({ title: '', tags: [] }),
  Parent: () => ({ of: 0 }),
};

function copy(state: State): State {
  return structuredClone(state);
}

class Play {
  readonly dice: Dice;
  readonly world: World;
  readonly ever: Entity[] = [];
  readonly known = new Set<Entity>();
  rewound = false;
  state: State = new Map();
  kept: Kept[] = [];
  saved: { bytes: Uint8Array; state: State; hash: bigint } | null = null;

  constructor(seed: number) {
    this.dice = new Dice(seed);
    this.world = new World({ memoryMax: 96 << 20, workersMax: 1, limits: { entities: 5000 } });
  }

  // ---- what is drawn ---------------------------------------------------------------------------

  entity(): Entity {
    return this.ever.length ? this.dice.pick(this.ever) : (0 as Entity);
  }

  /** Some fields of a component, or all. */
  value(kind: AnyComponent): Record<string, unknown> {
    const all: Record<string, Record<string, unknown>> = {
      Pos: { x: this.dice.below(1000), y: -this.dice.below(9) || 0 },
      Vel: { x: this.dice.below(3), y: 0.5 },
      Health: { now: this.dice.below(65_536), most: this.dice.below(256), worth: 1 / 3 },
      Enemy: {},
      Parent: { of: this.entity() },
      Meta: { title: `t${this.dice.below(99)}`, tags: ['a'] },
    };
    const value = all[kind.name]!;
    if (kind === Meta || this.dice.below(2)) return value;
    return Object.fromEntries(Object.entries(value).slice(this.dice.below(2)));
  }

  // ---- the model's rules -----------------------------------------------------------------------

  /** A handle names nobody who lives; it comes a second time only after going back. */
  born(e: Entity): void {
    assert.ok(!this.state.has(e) && (this.rewound || !this.known.has(e)), `handle ${e} is not new`);
    if (!this.known.has(e)) this.ever.push(e);
    this.known.add(e);
    this.state.set(e, new Map());
  }

  put(e: Entity, kind: AnyComponent, value: Record<string, unknown> | undefined): void {
    const has = this.state.get(e);
    if (!has || (value === undefined && has.has(kind.name))) return;
    has.set(kind.name, structuredClone({ ...INITIAL[kind.name]!(), ...value }));
  }

  kill(e: Entity): void {
    if (!this.state.delete(e)) return;
    const children = [...this.state].filter(([, has]) => has.get('Parent')?.['of'] === e);
    for (const [child] of children) this.kill(child);
  }

  // ---- steps -----------------------------------------------------------------------------------

  spawn(): void {
    const kinds = KINDS.filter(() => this.dice.below(3) === 0);
    const parts = kinds.map(kind =>
      this.dice.below(2) ? kind : ([kind, this.value(kind)] as const),
    );
    const e = this.world.spawn(...(parts as []));
    this.born(e);
    for (const part of parts) {
      if (Array.isArray(part)) this.put(e, part[0], part[1]);
      else this.put(e, part as AnyComponent, undefined);
    }
  }

  spawnMany(): void {
    const n = this.dice.below(50);
    const made = this.world.spawnMany([Pos, Vel, Meta], n, (c, rows) => {
      for (let i = 0; i < rows; i++) c.Pos.y[i] = i;
    });
    made.forEach((e, i) => {
      this.born(e);
      this.put(e, Pos, { y: i });
      this.put(e, Vel, undefined);
      this.put(e, Meta, undefined);
    });
  }

  /** Adds, sets, removes or destroys. In a pass a set is made at once, and so before an earlier
   * destroy: of a Parent that shows, since who dies takes along those whose Parent it is then. */
  change(inPass = false): void {
    const e = this.entity();
    const kind = this.dice.pick(inPass ? KINDS.slice(1) : KINDS);
    const what = this.dice.below(5);
    if (inPass && what === 1 && kind === Parent) return;
    switch (what) {
      case 0: {
        const value = this.dice.below(3) ? this.value(kind) : undefined;
        this.world.add(e, kind, value);
        this.put(e, kind, value);
        break;
      }
      case 1: {
        const value = this.value(kind);
        const has = this.state.get(e)?.get(kind.name);
        assert.equal(this.world.set(e, kind, value), has !== undefined, `set of ${kind.name}`);
        if (has) this.state.get(e)!.set(kind.name, structuredClone({ ...has, ...value }));
        break;
      }
      case 2:
        this.world.remove(e, kind);
        this.state.get(e)?.delete(kind.name);
        break;
      case 3: {
        const meta = this.world.get(e, Meta);
        assert.equal(meta !== undefined, this.state.get(e)?.has('Meta') ?? false);
        meta?.tags.push('more');
        (this.state.get(e)?.get('Meta')?.['tags'] as string[] | undefined)?.push('more');
        break;
      }
      default:
        this.world.destroy(e);
        this.kill(e);
    }
  }

  /** Goes over rows, writes them, and changes some entities meanwhile; not Pos, of which the rows
   * to come show what was stored. */
  each(): void {
    const seen = new Set<Entity>();
    const expected = [...this.state].filter(([, has]) => has.has('Pos') && !has.has('Enemy'));
    this.world.each({ write: [Pos], not: [Enemy] }, (n, pos, entities) => {
      for (let i = 0; i < n; i++) {
        const e = entities.at(i);
        assert.ok(!seen.has(e), `entity ${e} came twice`);
        seen.add(e);
        pos.x[i]! += 1;
        const value = this.state.get(e)?.get('Pos');
        if (value) value['x'] = (value['x'] as number) + 1;
        if (this.dice.below(8) === 0) this.change(true);
      }
    });
    assert.deepEqual([...seen].sort(), expected.map(([e]) => e).sort());
  }

  snapshots(): void {
    const at = this.dice.below(4);
    if (this.kept.length < 3 && at > 1) {
      const snapshot = this.world.snapshot();
      this.kept.push({ snapshot, state: copy(this.state), hash: this.world.hash() });
    } else if (this.kept.length) {
      const kept = this.dice.pick(this.kept);
      if (at === 0) {
        this.world.restore(kept.snapshot);
        this.rewound = true;
        this.state = copy(kept.state);
        assert.equal(this.world.hash(), kept.hash, 'the hash after going back');
      } else {
        kept.snapshot.release();
        this.kept = this.kept.filter(other => other !== kept);
      }
    }
  }

  saves(): void {
    if (!this.saved || this.dice.below(2)) {
      this.saved = { bytes: this.world.save(), state: copy(this.state), hash: this.world.hash() };
      return;
    }
    this.world.load(this.saved.bytes);
    this.rewound = true;
    this.state = copy(this.saved.state);
    assert.equal(this.world.hash(), this.saved.hash, 'the hash after loading');
  }

  step(): void {
    const what = this.dice.below(20);
    if (what < 3) this.spawn();
    else if (what === 3) this.spawnMany();
    else if (what < 16) this.change();
    else if (what === 16) this.each();
    else if (what < 19) this.snapshots();
    else this.saves();
  }

  // ---- comparing -------------------------------------------------------------------------------

  compare(): void {
    const { world, state } = this;
    assert.equal(world.size, state.size, 'entities');
    for (const e of this.ever) {
      const has = state.get(e);
      assert.equal(world.isAlive(e), has !== undefined, `isAlive(${e})`);
      for (const kind of KINDS) {
        const value = has?.get(kind.name);
        assert.equal(world.has(e, kind), value !== undefined, `has(${e}, ${kind.name})`);
        if (kind !== Meta) assert.deepEqual(world.get(e, kind), value, `get(${e}, ${kind.name})`);
      }
    }
    for (const { snapshot, state: then } of this.kept) {
      assert.equal(snapshot.size, then.size);
      const e = this.entity();
      for (const kind of KINDS) {
        assert.deepEqual(snapshot.get(e, kind), then.get(e)?.get(kind.name), 'in a snapshot');
      }
    }
    world.check();
  }
}

test(`${SEEDS} random games, each against a world of Maps`, () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const play = new Play(seed);
    let step = 0;
    try {
      for (; step < STEPS; step++) {
        play.step();
        if (step % 10 === 9) play.compare();
      }
      play.compare();
      for (const [e, has] of play.state) {
        assert.deepEqual(play.world.get(e, Meta), has.get('Meta'), `get(${e}, Meta)`);
      }
    } catch (cause) {
      throw new Error(`SKEP_SEED=${seed} SKEP_ROUNDS=1, step ${step}`, { cause });
    } finally {
      for (const { snapshot } of play.kept) snapshot.release();
      play.world.dispose();
    }
  }
});
