// SPDX-License-Identifier: MIT
// Parts of the trace viewer without a page: the walk over a lane draws what a slow count finds, in
// no more rectangles than pixels; colours can be read in both themes; figures as people read them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contrast, paintOf, parse, slotColour, slotOf, slotsOf } from '../../viewer/colours.ts';
import * as format from '../../viewer/format.ts';
import { Lane, Scratch, walk, type Painter } from '../../viewer/pyramid.ts';
import { DARK, faultPaint, LIGHT, quietPaint } from '../../viewer/theme.ts';
import { Dice } from './support/trace_make.ts';

const KEYS = 9;

/** A lane of zones of all lengths, with and without gaps. */
function laneOf(dice: Dice, count: number, mean: number): Lane {
  const begin = new Float64Array(count);
  const end = new Float64Array(count);
  const key = new Uint16Array(count);
  let at = dice.int(0, 50);
  for (let i = 0; i < count; i++) {
    if (dice.chance(0.6)) at += dice.chance(0.02) ? dice.long(mean * 90) : dice.long(mean);
    begin[i] = at;
    at += dice.chance(0.1) ? 0 : dice.chance(0.03) ? dice.long(mean * 60) : dice.long(mean);
    end[i] = at;
    key[i] = dice.int(0, KEYS - 1);
  }
  return new Lane(
    begin,
    end,
    key,
    Int32Array.from(key, (_, i) => i),
  );
}

interface Drawn {
  from: number;
  to: number;
  zone: number;
  key: number;
  shade: number;
}

function draw(lane: Lane, begin: number, end: number, columns: number): Drawn[] {
  const drawn: Drawn[] = [];
  const painter: Painter = {
    zone: (zone, from, to) => void drawn.push({ from, to, zone, key: lane.key[zone]!, shade: -1 }),
    crowd: (key, shade, from, to) => void drawn.push({ from, to, zone: -1, key, shade }),
  };
  walk(lane, { begin, end, columns }, 5, new Scratch(KEYS), painter);
  return drawn;
}

test('a walk covers each pixel at most once, and leaves out nothing but what is too thin', () => {
  const dice = new Dice(11);
  for (let round = 0; round < 100; round++) {
    const lane = laneOf(dice, dice.int(1, 3000), dice.int(2, 400));
    const total = lane.end.at(-1)!;
    const from = dice.next() * total * 0.8 - total * 0.1;
    const span = Math.max(10, total * dice.next() ** 3);
    const columns = dice.int(1, 700);
    const scale = columns / span;
    const drawn = draw(lane, from, from + span, columns);
    assert.ok(drawn.length <= columns, `${drawn.length} rectangles on ${columns} pixels`);
    let free = 0;
    for (const one of drawn) {
      assert.ok(one.from >= free && one.to > one.from && one.to <= columns, JSON.stringify(one));
      free = one.to;
    }
    // A slow count: where each zone is, to a pixel.
    const covered = new Uint8Array(columns);
    for (const { from: a, to: b } of drawn) covered.fill(1, a, b);
    for (let i = 0; i < lane.count; i++) {
      const left = Math.floor((lane.begin[i]! - from) * scale);
      const right = Math.floor((lane.end[i]! - from) * scale);
      if (right < 0 || left >= columns) continue;
      const near = covered.subarray(Math.max(0, left), Math.max(0, left) + 2);
      const thin = lane.end[i]! <= from;
      assert.ok(thin || near.includes(1), `zone ${i} at ${left} is not seen, round ${round}`);
      // One pixel may be its neighbour's.
      if (Math.min(columns, right) - Math.max(0, left) < 3) continue;
      const own = drawn.find(one => one.zone === i);
      assert.ok(own, `zone ${i} has ${right - left} pixels and is not drawn by itself`);
      assert.ok(own.to === Math.min(columns, right) && own.from <= Math.max(0, left) + 1);
    }
    // What was drawn is there.
    for (const one of drawn) {
      const some = (i: number): boolean =>
        lane.end[i]! >= from + (one.from - 1) / scale && lane.begin[i]! <= from + one.to / scale;
      assert.ok(
        lane.key.some((key, i) => key === one.key && some(i)),
        JSON.stringify(one),
      );
    }
  }
});

test('a crowd is shaded by how much of it is covered, and has the name that has most of it', () => {
  // Two names in turns, one thrice as long: a tenth, then nine tenths of the time are covered.
  for (const [gap, shade] of [
    [36, 0],
    [0.44, 4],
  ] as const) {
    const count = 40_000;
    const times = Array.from({ length: count }, (_, i) => Math.floor(i / 2) * (4 + gap) + (i % 2));
    const begin = Float64Array.from(times);
    const end = Float64Array.from(times, (at, i) => at + (i % 2 ? 3 : 1));
    const key = Uint16Array.from(times, (_, i) => (i % 2 ? 5 : 2));
    const lane = new Lane(begin, end, key, new Int32Array(count));
    const drawn = draw(lane, 0, end.at(-1)!, 100);
    assert.equal(drawn.length, 1, 'neighbours that look alike are one rectangle');
    assert.deepEqual(drawn[0], { from: 0, to: 100, zone: -1, key: 5, shade });
  }
});

test('sums of the pyramid are those of its zones', () => {
  const dice = new Dice(5);
  const scratch = new Scratch(KEYS);
  const lane = laneOf(dice, 20_000, 40);
  for (let round = 0; round < 500; round++) {
    const first = dice.int(0, lane.count - 1);
    const end = dice.int(first + 1, Math.min(lane.count, first + dice.int(1, 20_000)));
    const sum = { key: -1, busy: 0 };
    lane.sum(first, end, scratch, sum);
    const times = new Float64Array(KEYS);
    for (let i = first; i < end; i++) times[lane.key[i]!]! += lane.end[i]! - lane.begin[i]!;
    const busy = times.reduce((all, one) => all + one, 0);
    assert.ok(Math.abs(sum.busy - busy) <= 1e-4 * busy + 1e-3, `${sum.busy}, not ${busy}`);
    // Below one block of the pyramid the name is exact.
    if (end - first < 16) assert.equal(times[sum.key], Math.max(...times));
  }
});

test('zones are found by moment', () => {
  const dice = new Dice(3);
  const lane = laneOf(dice, 500, 30);
  for (let round = 0; round < 2000; round++) {
    const at = dice.next() * lane.end.at(-1)! * 1.1;
    const slow = lane.begin.findIndex((begin, i) => begin <= at && lane.end[i]! > at);
    assert.equal(lane.at(at), slow);
    const from = dice.int(0, lane.count);
    const next = lane.begin.findIndex((begin, i) => i >= from && begin >= at);
    assert.equal(lane.gallop(from, at), next < 0 ? lane.count : next);
  }
});

test('what is written on a zone can be read, in both themes', () => {
  for (const theme of [LIGHT, DARK]) {
    const card = parse(theme.card);
    const paints = Array.from({ length: 2000 }, (_, i) =>
      paintOf(slotColour(slotOf(`system ${i}`), theme.dark), card),
    );
    paints.push(...([0, 1, 2] as const).map(weight => quietPaint(theme, weight)));
    paints.push(faultPaint(theme));
    for (const { fill, text, shades } of paints) {
      assert.ok(contrast(parse(fill), parse(text)) >= 4.5, `${text} on ${fill}`);
      assert.ok(contrast(parse(shades[1]!), parse(theme.ink)) >= 4.5, `ink on ${shades[1]}`);
    }
    const texts: [string, string][] = [
      [theme.ink, theme.ground],
      [theme.onAccent, theme.accent],
      [theme.hot, theme.hotField],
    ];
    for (const on of [theme.card, theme.field, theme.hotField]) {
      for (const colour of [theme.ink, theme.soft]) texts.push([colour, on]);
    }
    for (const colour of [theme.accent, theme.hot, theme.fault, theme.good]) {
      texts.push([colour, theme.card], [colour, theme.field]);
    }
    for (const [colour, on] of texts) {
      assert.ok(
        contrast(parse(colour), parse(on)) >= 4.5,
        `${colour} on ${on} has ${contrast(parse(colour), parse(on))}`,
      );
    }
    // Outlines stand on a line of the card's colour, and need less.
    for (const colour of [theme.chosen, theme.hot, theme.fault, theme.accent]) {
      assert.ok(contrast(parse(colour), card) >= 3, `an outline of ${colour}`);
    }
  }
});

test('names that are seen together differ, and the first keep their own colour', () => {
  const dice = new Dice(9);
  for (let round = 0; round < 300; round++) {
    const count = dice.int(1, 40);
    const names = Array.from({ length: count }, (_, i) => `job ${round} ${i}`);
    const slots = slotsOf(names);
    assert.deepEqual(slots[0], slotOf(names[0]!));
    assert.deepEqual(slots, slotsOf(names), 'the same each time');
    // Five can always be three hues apart, two dozen one.
    for (const [i, slot] of slots.slice(0, 5).entries()) {
      for (const other of slots.slice(0, i)) {
        const way = Math.abs(slot.hue - other.hue);
        assert.ok(Math.min(way, 24 - way) >= 3, `${names[i]} of ${count}`);
      }
    }
    const hues = new Set(slots.map(({ hue }) => hue));
    assert.equal(hues.size, Math.min(count, 24), `${hues.size} hues for ${count} names`);
  }
});

test('figures as people read them', () => {
  const time = (ns: number): string => format.time(ns).replace('\u00a0', ' ');
  assert.deepEqual(
    [0, 1, 999, 999.6, 1000, 12_345, 999_400, 999_960, 11_412_345, 1.5e9, 3.2e12].map(time),
    [
      '0',
      '1 ns',
      '999 ns',
      '1.00 µs',
      '1.00 µs',
      '12.3 µs',
      '999 µs',
      '1.00 ms',
      '11.4 ms',
      '1.50 s',
      '3,200 s',
    ],
  );
  assert.equal(format.signed(-340_000).replace('\u00a0', ' '), '−340 µs');
  assert.equal(format.share(0.0004), '<0.1%');
  assert.deepEqual([0, 0.0831, 0.62, 1].map(format.share), ['0%', '8.3%', '62%', '100%']);
  const unit = format.unitOf(8_012_000);
  assert.deepEqual(
    [8_012_000, 12_000, 900, 0].map(ns => format.inUnit(ns, unit)),
    ['8.01', '0.01', '<0.01', '0.00'],
  );
  assert.equal(format.list(['a', 'b', 'c']), 'a, b and c');
  assert.deepEqual([20_100, 512, 4.3e9].map(format.short), ['20.1k', '512', '4.30G']);
});
