// SPDX-License-Identifier: MIT
// The panel Frames: what the server's threads do, as they do it. A strip of frame times, a chart of
// the last frames, how busy each thread is, and the slowest frame of the last half minute with the
// reason. Charts and words are those of the trace viewer (viewer/).
//
// It asks for the trace twice a second, only while it is open and the page is seen. What it shows
// is about half a second late, so that it moves on evenly from one answer to the next.

import { threadStats } from '../../js/src/trace/idle.ts';
import { readTrace } from '../../js/src/trace/read.ts';
import { percentile, systemStats } from '../../js/src/trace/stats.ts';
import { count, share, time } from '../../viewer/format.ts';
import { Gantt } from '../../viewer/gantt.ts';
import { Gestures } from '../../viewer/gestures.ts';
import { DARK, LIGHT } from '../../viewer/theme.ts';
import { Tip } from '../../viewer/tip.ts';
import { verdictOf } from '../../viewer/verdict.ts';
import { FrameStore } from './frames_store.js';
import { FramesStrip } from './frames_strip.js';

const POLL_MS = 500;
/** The first answer is that there is nothing yet. */
const POLL_FIRST_MS = 100;
/** After an answer that says that there is nothing. */
const POLL_LONG_MS = 3000;
/** One answer, and what it takes to come. */
const LATE_MS = 650;
/** Single frames are to be seen before the next one comes; many of them are to move. */
const PICTURE_MS = { few: 250, many: 100, calm: 1000 };
const MANY = 30;
const NAMES = 86;
const CHART_LEAST = 90;
const CHART_MOST = 260;
/** Traces that viewers may still ask for. */
const HANDED_MOST = 8;
const NO_ANSWER = 'The server does not answer.';

const get = id => document.getElementById(id);
const put = (id, text) => {
  const field = get(id);
  if (field.textContent !== text) field.textContent = text;
};

/** Frames cannot be told from counters' rows where there is little room. */
const withoutCounters = trace => ({ ...trace, counters: [] });

/** From the beginning of one frame to that of the next, as a rule. */
function periodOf(frames) {
  const steps = frames.slice(1).map((frame, i) => frame.begin - frames[i].begin);
  return (
    percentile(
      steps.sort((a, b) => a - b),
      50,
    ) || 1e7
  );
}

export class Frames {
  #source = null;
  #store = new FrameStore();
  #strip = new FramesStrip(get('frames-strip'), NAMES);
  #chart = new Gantt(get('frames-chart'), { names: NAMES });
  #slow = new Gantt(get('slow-chart'), { names: NAMES });
  #theme = LIGHT;
  #open = false;
  #held = false;
  /** Somebody said how many frames he wants to see. */
  #chosen = false;
  #asking = 0;
  #tag = '';
  #poll = 0;
  #picture = 0;
  #received = 0;
  #period = 1e7;
  /** Nearly all frames are shorter. */
  #usual = 1e7;
  #pinned = null;
  #handed = new Map();
  #calm = matchMedia('(prefers-reduced-motion: reduce)');

  constructor() {
    get('frames-hold').addEventListener('click', () => this.#hold(!this.#held));
    get('frames-span').addEventListener('change', () => {
      this.#chosen = true;
      this.#hold(false);
      this.#show();
    });
    get('slow-view').addEventListener('click', () => this.#view());
    get('slow-save').addEventListener('click', () => this.#save());
    this.#listen(this.#chart, () => this.#hold(true));
    this.#listen(this.#slow, () => {});
    document.addEventListener('visibilitychange', () => this.#run());
    addEventListener('message', event => this.#hand(event));
    new ResizeObserver(() => this.#fit()).observe(get('frames'));
  }

  set source(source) {
    this.#source = source;
    put('frames-title', source?.local ? 'Frames of this world' : 'Frames of the server');
    this.#run();
  }

  set open(open) {
    this.#open = open;
    this.#run();
  }

  theme(dark) {
    const card = getComputedStyle(document.documentElement).getPropertyValue('--solid').trim();
    this.#theme = { ...(dark ? DARK : LIGHT), card };
    this.#chart.setTheme(this.#theme);
    this.#slow.setTheme(this.#theme);
    if (this.#open) this.#drawStrip();
  }

  /** Moving and zooming a chart, and what is under the pointer. */
  #listen(chart, touched) {
    const tip = new Tip(get('frames-tip'), {
      get model() {
        return chart.model;
      },
    });
    new Gestures(chart, {
      view(view) {
        touched();
        chart.set({ view });
      },
      mark() {},
      pick() {},
      hover: (hit, x, y) => tip.hit(hit, x, y, chart.canvas),
    });
  }

  // ---- the server ------------------------------------------------------------------------------

  /** Begins to ask and to draw where that is wanted, else ends it. */
  #run() {
    clearTimeout(this.#poll);
    clearTimeout(this.#picture);
    this.#asking++;
    const seen = document.visibilityState === 'visible';
    if (!this.#open || this.#held || !this.#source || !seen) return;
    this.#ask(this.#asking);
    this.#turn();
  }

  async #ask(asking) {
    const answer = await this.#source.trace(this.#tag).catch(() => ({ text: NO_ANSWER }));
    // It was closed meanwhile, or held.
    if (asking !== this.#asking) return;
    if (answer.bytes) this.#take(answer);
    const text = answer.text ?? (this.#store.trace ? '' : 'Waiting for the first frames.');
    put('frames-note', text);
    get('frames-note').hidden = !text;
    get('frames').classList.toggle('nothing', !this.#store.trace);
    if (answer.final) return;
    const next = answer.text ? POLL_LONG_MS : this.#store.trace ? POLL_MS : POLL_FIRST_MS;
    this.#poll = setTimeout(() => this.#ask(asking), next);
  }

  #take({ bytes, tag }) {
    this.#tag = tag;
    const first = !this.#store.trace;
    if (!this.#store.add(bytes)) return;
    const trace = withoutCounters(this.#store.trace);
    this.#received = performance.now();
    get('frames').dataset.newest = String(trace.frames.at(-1).tick);
    this.#period = periodOf(trace.frames);
    const lengths = trace.frames.map(({ begin, end }) => end - begin);
    this.#usual = percentile(
      lengths.sort((x, y) => x - y),
      75,
    );
    this.#figures(trace);
    this.#threads(trace);
    this.#chart.setTrace(trace);
    // What the chart showed of the last trace is elsewhere in this one.
    this.#show();
    if (this.#store.slowest !== this.#pinned) this.#pin(this.#store.slowest);
    if (first) this.#first();
    this.#fit();
  }

  /** Frames that leave most of the time free are seen best one by one. */
  #first() {
    get('frames').classList.remove('nothing');
    const lengths = this.#store.bars.map(bar => bar.ns).sort((a, b) => a - b);
    const span = percentile(lengths, 50) < 0.4 * this.#period ? 1 : 4;
    if (this.#chosen) return;
    get('frames-span').querySelector(`[value="${span}"]`).checked = true;
    this.#show();
  }

  // ---- as they happen --------------------------------------------------------------------------

  #turn() {
    this.#show();
    const wait = this.#span < MANY ? PICTURE_MS.few : PICTURE_MS.many;
    this.#picture = setTimeout(() => this.#turn(), this.#calm.matches ? PICTURE_MS.calm : wait);
  }

  /** How many frames the chart shows. */
  get #span() {
    return Number(get('frames-span').querySelector(':checked').value);
  }

  /** The server's clock in milliseconds, as far as the page knows it. */
  get #now() {
    return this.#store.newest + Math.min(1000, performance.now() - this.#received);
  }

  #show() {
    const { model } = this.#chart;
    if (!model || this.#held) return;
    this.#drawStrip();
    const { frames, unixNs } = model.trace;
    const until = (this.#now - LATE_MS) * 1e6 - unixNs;
    let last = frames.length - 1;
    while (last > 0 && frames[last].end > until) last--;
    this.#chart.set(this.#viewOf(frames, last));
    get('frames').dataset.tick = String(frames[last].tick);
  }

  /** So many frames; or one, with what comes before and after it, as wide as most of them are. */
  #viewOf(frames, last) {
    const frame = frames[last];
    const period = this.#period;
    if (this.#span === 1) {
      const length = Math.max(this.#usual, frame.end - frame.begin);
      const view = { begin: frame.begin - length * 0.08, end: frame.begin + length * 1.22 };
      return { view, frame };
    }
    const first = frames[Math.max(0, last - this.#span + 1)];
    // Where frames were left out, those before the gap are not waited for.
    const begin = Math.max(first.begin, frame.begin - this.#span * period * 1.5);
    const end = Math.max(frame.end, frame.begin + period * 0.9);
    return { view: { begin: begin - period * 0.1, end }, frame: null };
  }

  #drawStrip() {
    this.#strip.draw(this.#store, this.#theme, this.#now);
    const { slowest } = this.#store;
    const seconds = slowest ? Math.round((this.#now - slowest.at) / 1000) : 0;
    put('slow-age', seconds < 1 ? 'now' : `${seconds} s ago`);
  }

  #figures(trace) {
    const { bars } = this.#store;
    const lengths = Float64Array.from(bars, bar => bar.ns).sort();
    const over = bars.filter(bar => bar.ns > trace.budgetNs).length;
    const some = over ? count(over) : 'none';
    const late = `${some} of ${count(bars.length)} over ${time(trace.budgetNs)}`;
    const text = [
      `median ${time(percentile(lengths, 50))}`,
      `99% below ${time(percentile(lengths, 99))}`,
      ...(trace.budgetNs ? [late] : []),
    ].join(' \u00b7 ');
    put('frames-figures', text);
    get('frames-strip').setAttribute('aria-label', `Frame times of the last half minute: ${text}`);
  }

  #threads(trace) {
    const list = get('frames-threads');
    const stats = threadStats(trace, 0, trace.frames.length);
    while (list.children.length > stats.length) list.lastChild.remove();
    stats.forEach(({ name, utilisation }, i) => {
      const row =
        list.children[i]
        ?? list.appendChild(get('frames-thread').content.cloneNode(true).firstElementChild);
      const [label, meter, value] = row.children;
      label.textContent = name;
      meter.value = utilisation;
      value.textContent = share(utilisation);
    });
  }

  #hold(held) {
    if (held === this.#held) return;
    this.#held = held;
    get('frames-hold').setAttribute('aria-pressed', String(held));
    this.#run();
  }

  // ---- the slowest frame -----------------------------------------------------------------------

  #pin(slowest) {
    this.#pinned = slowest;
    const same = this.#store.bytes === slowest.bytes;
    const trace = withoutCounters(same ? this.#store.trace : readTrace(slowest.bytes));
    const frame = trace.frames.find(one => one.tick === slowest.tick);
    const stats = systemStats(trace, 0, trace.frames.length);
    const usual = new Map(stats.map(one => [one.number, one.p50Ns]));
    const { headline, slow, why, more } = verdictOf(trace, frame, usual);
    put('slow-headline', headline);
    get('slow-headline').classList.toggle('late', slow);
    put('slow-why', why.join(' '));
    put('slow-more', more.join(' '));
    const edge = (frame.end - frame.begin) * 0.04;
    this.#slow.setTrace(trace);
    this.#slow.set({ view: { begin: frame.begin - edge, end: frame.end + edge }, frame });
    get('slow-chart').setAttribute(
      'aria-label',
      `Frame ${frame.tick} by thread, with its critical path`,
    );
    Object.assign(get('frames').dataset, {
      slowTick: String(slowest.tick),
      slowNs: String(slowest.ns),
    });
  }

  get #name() {
    return `skies-${this.#pinned.tick}.skept`;
  }

  /** Opens the viewer, which asks for the trace as soon as it is there. */
  #view() {
    const name = this.#name;
    this.#handed.set(name, this.#pinned.bytes);
    if (this.#handed.size > HANDED_MOST) this.#handed.delete(this.#handed.keys().next().value);
    if (!open(`trace/#${name}`, '_blank')) this.#save();
  }

  #hand({ origin, source, data }) {
    const bytes = origin === location.origin ? this.#handed.get(data?.skepTrace) : undefined;
    if (bytes) source.postMessage({ skepTrace: data.skepTrace, bytes }, origin);
  }

  #save() {
    const url = URL.createObjectURL(new Blob([this.#pinned.bytes]));
    const link = Object.assign(document.createElement('a'), { href: url, download: this.#name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  // ---- sizes -----------------------------------------------------------------------------------

  /** Charts are as high as their rows need; the moving one takes what there is, for wide rows. */
  #fit() {
    if (!this.#open) return;
    for (const chart of [this.#chart, this.#slow]) {
      const natural = Math.min(CHART_MOST, Math.max(CHART_LEAST, chart.naturalHeight));
      const { canvas } = chart;
      canvas.style.height = `${natural}px`;
      canvas.style.maxHeight = `${natural * 1.25}px`;
      const size = `${canvas.clientWidth} ${canvas.clientHeight}`;
      if (canvas.dataset.size === size) continue;
      canvas.dataset.size = size;
      chart.resize();
    }
  }
}
