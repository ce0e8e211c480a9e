// SPDX-License-Identifier: MIT
// The page: it puts the chart, the strip, the panels and the tables around one state, opens traces,
// and keeps the theme. A trace is shown before any figure over all frames is worked out.

import { threadStats } from '../js/src/trace/idle.js';
import type {
  TraceFrame,
  TraceSegment,
  TraceSystemStats,
  TraceThreadStats,
} from '../js/src/trace/types.js';
import { hexOf, slotColour, slotOf } from './colours.ts';
import { CompareView } from './compare_view.ts';
import { byId } from './dom.ts';
import { share } from './format.ts';
import { FramePanel, VerdictPanel } from './frame_panel.ts';
import { Gantt } from './gantt.ts';
import { Gestures } from './gestures.ts';
import { Header } from './header.ts';
import { Keys } from './keys.ts';
import { embedded, fromFile, reason, takeDrops, type Loaded } from './load.ts';
import { Model } from './model.ts';
import { Notices } from './notices.ts';
import { Slices, type RangeFigures } from './slices.ts';
import { State } from './state.ts';
import { Strip } from './strip.ts';
import type { DataTable } from './table.ts';
import { fillTables, rangeText, systemsTable, threadsTable, worstTable } from './tables.ts';
import { Tabs } from './tabs.ts';
import { applyTheme, DARK, LIGHT, type Theme } from './theme.ts';
import { Tip } from './tip.ts';
import { ZonePanel } from './zone_panel.ts';

/** A range that is being dragged: figures wait until it stays for so long. */
const SETTLE_MS = 120;
/** The first picture is seen before any figure is worked out. */
const FIRST_MS = 30;
const NARROW = matchMedia('(max-width: 899px)');

function canvas(id: string): HTMLCanvasElement {
  return byId(id, HTMLCanvasElement);
}

function section(id: string): HTMLElement {
  return byId(id, HTMLElement);
}

/** The page and all its parts. */
export class Page {
  readonly state = new State();
  readonly gantt: Gantt;
  readonly compare: CompareView;
  readonly framePanel: FramePanel;
  readonly worst: DataTable<TraceFrame>;
  readonly systems: DataTable<TraceSystemStats>;
  readonly threads: DataTable<TraceThreadStats>;
  /** Figures of the range; null until they are worked out. */
  figures: RangeFigures | null = null;
  /** The traces: one, or the two that are compared. */
  loaded: Loaded[] = [];
  theme: Theme = LIGHT;
  /** When the first trace was first seen, in milliseconds since the page was asked for. */
  openMs = 0;
  readonly #strip: Strip;
  readonly #header: Header;
  readonly #notices = new Notices();
  readonly #tip: Tip;
  readonly #zonePanel: ZonePanel;
  readonly #verdict: VerdictPanel;
  readonly #slices: Slices;
  readonly #pointer: { at: number | null } = { at: null };
  /** Figures of all frames, once they are known. */
  #whole: RangeFigures | null = null;
  /** Where on the critical path the keys are. */
  #piece = -1;
  #settle: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const { state } = this;
    const colourOf = (name: string): string => this.colourOf(name);
    this.gantt = new Gantt(canvas('gantt-canvas'), { theme: this.theme });
    this.#tip = new Tip(section('tip'), state);
    this.#strip = new Strip(canvas('strip-canvas'), state, this.theme, {
      pick: frame => state.selectFrame(frame),
      range: range => state.markFrames(range.first, range.end),
      hover: (frame, x) => this.#tip.frame(frame, x, canvas('strip-canvas')),
    });
    this.#verdict = new VerdictPanel(section('verdict'), state);
    this.framePanel = new FramePanel(state, colourOf);
    this.#zonePanel = new ZonePanel(state, colourOf, system =>
      this.figures?.systems.find(one => one.number === system),
    );
    section('detail').append(this.framePanel.element, this.#zonePanel.element);
    this.systems = systemsTable(state, colourOf);
    this.threads = threadsTable(() => this.#rangeNs());
    this.worst = worstTable(state);
    section('panel-systems').append(this.systems.element);
    section('panel-threads').append(this.threads.element);
    section('panel-worst').append(this.worst.element);
    new Tabs(section('tabs'));
    this.compare = new CompareView(section('compare'), colourOf, () => this.#swap());
    this.#slices = new Slices(figures => this.#figured(figures));
    this.#header = new Header(state, {
      open: files => void this.#openFiles(files, true),
      compare: files => void this.#openFiles(files, false),
      theme: () => this.setTheme(this.theme.dark ? LIGHT : DARK),
      view: which => this.show(which),
    });
    this.#listen();
    this.#control();
    this.#followTheme();
  }

  /** The colour of a name in the chart. */
  colourOf(name: string): string {
    const { model } = this.state;
    const known = model?.names.all.find(one => one.text === name);
    if (known?.kind || ['join', 'claim', 'wake', 'frame'].includes(name)) {
      return this.theme.quiet[2];
    }
    const slot = known && model ? model.slotOf(known.key) : slotOf(name);
    return hexOf(slotColour(slot, this.theme.dark));
  }

  #rangeNs(): number {
    const { model, range } = this.state;
    const frames = model?.trace.frames.slice(range.first, range.end) ?? [];
    return frames.reduce((sum, { begin, end }) => sum + end - begin, 0);
  }

  #listen(): void {
    const { state, gantt } = this;
    state.on('view', () => {
      gantt.set({ view: state.view });
      state.settle(gantt.state.view);
    });
    state.on('frame', () => this.#showFrame());
    state.on('chosen', () => this.#showChosen());
    state.on('range', () => this.#showRange());
    state.on('search', () => gantt.set({ highlight: state.matches?.keys ?? null }));
    byId('range-clear', HTMLButtonElement).addEventListener('click', () => state.mark(null));
  }

  #control(): void {
    const { state, gantt } = this;
    new Gestures(gantt, {
      view: view => state.setView(view),
      mark: span => state.mark(span),
      pick: hit => {
        if (hit.zone) state.selectZone(hit.zone, false);
        else if (hit.row && !hit.idle) state.selectZone(null);
      },
      hover: (hit, x, y) => {
        this.#pointer.at = hit?.at ?? null;
        gantt.set({ hover: hit?.zone ?? null });
        this.#tip.hit(hit, x, y, gantt.canvas);
      },
    });
    new Keys(state, {
      find: () => this.#header.find(),
      help: () => byId('help', HTMLDialogElement).showModal(),
      close: () => false,
      path: by => this.#stepPath(by),
      busy: () => byId('help', HTMLDialogElement).open || !state.model || section('main').hidden,
      pointer: () => this.#pointer.at,
    });
    takeDrops(files => void this.#openFiles(files, !this.loaded.length));
    const watch = new ResizeObserver(() => this.#resize());
    watch.observe(gantt.canvas);
    watch.observe(canvas('strip-canvas'));
  }

  #resize(): void {
    const names = NARROW.matches ? 84 : 112;
    // A page that is scrolled with the finger shows the chart in full.
    section('gantt').style.height = NARROW.matches ? `${this.gantt.naturalHeight}px` : '';
    if (this.gantt.resize(names)) this.gantt.draw();
    this.#strip.resize(names);
  }

  #followTheme(): void {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', () => this.setTheme(dark.matches ? DARK : LIGHT));
    this.setTheme(dark.matches ? DARK : LIGHT);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    applyTheme(document.documentElement, theme);
    this.gantt.setTheme(theme);
    this.#strip.setTheme(theme);
    this.state.again();
    const { figures, state } = this;
    if (figures) fillTables(state, this.systems, this.threads, figures);
    const [a, b] = this.loaded;
    if (a && b) this.compare.show(a, b);
  }

  /** Lays the page out and loads its letters, while nothing is seen yet. */
  warm(): void {
    this.#showMain(true);
    this.#resize();
    this.gantt.warm();
  }

  #showMain(shown: boolean): void {
    section('main').hidden = !shown;
    section('empty').hidden = shown;
    document.body.classList.toggle('empty', !shown);
  }

  /** Opens the trace that the page was made with, if it was. */
  async start(): Promise<void> {
    try {
      const trace = await embedded();
      if (trace) this.open(trace);
      else this.#showMain(false);
    } catch (error) {
      this.#showMain(false);
      this.#notices.refused('This page', reason(error));
    }
    document.body.classList.remove('loading');
  }

  async #openFiles(files: readonly File[], fresh: boolean): Promise<void> {
    for (const file of files.slice(0, 2)) {
      try {
        const loaded = await fromFile(file);
        if (fresh || !this.loaded.length) this.open(loaded);
        else this.#compareWith(loaded);
        fresh = false;
      } catch (error) {
        this.#notices.refused(file.name, reason(error));
      }
    }
  }

  /** Shows a trace, on its slowest frame. */
  open(loaded: Loaded): void {
    this.loaded = [loaded];
    this.#showTrace(loaded);
    this.#header.compared(false);
    this.show('timeline');
  }

  #showTrace(loaded: Loaded): void {
    const { trace, name } = loaded;
    this.#showMain(true);
    document.body.classList.remove('loading');
    this.figures = this.#whole = null;
    const model = new Model(trace);
    this.gantt.setTrace(model);
    this.state.open(model, name);
    this.#resize();
    this.#notices.problems(trace.problems);
    this.#legend();
    this.gantt.draw();
    // Once this picture is seen, there is time for the rest.
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.openMs ||= performance.now();
        model.prepare();
      }),
    );
  }

  #legend(): void {
    const { trace } = this.state.model!;
    const kinds = new Set(trace.marks.map(mark => mark.kind));
    const away = trace.rows.some(row => row.kind.includes(12));
    const show = (id: string, shown: boolean): void => {
      section(id).hidden = !shown;
    };
    show('legend-fault', kinds.has(14));
    show('legend-copied', kinds.has(15));
    show('legend-respawn', away);
    show('legend-step', trace.stepNs > 0);
  }

  #compareWith(loaded: Loaded): void {
    const [a] = this.loaded as [Loaded];
    this.loaded = [a, loaded];
    this.#notices.problems(loaded.trace.problems, loaded.name);
    this.compare.show(a, loaded);
    this.#header.compared(true);
    this.show('compare');
  }

  #swap(): void {
    const [a, b] = this.loaded as [Loaded, Loaded];
    this.loaded = [b, a];
    this.#showTrace(b);
    this.compare.show(b, a);
    this.show('compare');
  }

  /** Shows the timeline of the first trace, or the comparison of both. */
  show(which: 'timeline' | 'compare'): void {
    section('main').hidden = which !== 'timeline';
    section('compare').hidden = which !== 'compare';
    this.#header.viewed(which);
  }

  #showFrame(): void {
    const { state, gantt } = this;
    const frame = state.current;
    const notes = new Map<number, string>();
    if (state.model && frame) {
      for (const one of threadStats(state.model.trace, state.frame, state.frame + 1)) {
        notes.set(one.thread, `${share(one.utilisation)} busy`);
      }
    }
    gantt.set({ frame, notes });
    this.worst.mark();
    this.#header.describe(frame);
  }

  #showChosen(): void {
    const { chosen } = this.state;
    this.gantt.set({ chosen });
    if (chosen) this.gantt.reveal(chosen);
    this.framePanel.element.hidden = !!chosen;
    this.#zonePanel.element.hidden = !chosen;
    this.systems.mark();
    this.#header.say(chosen);
  }

  #showRange(): void {
    const { state, gantt } = this;
    gantt.set({ range: state.marked });
    this.worst.set(state.worstInRange(), `Worst frames. ${rangeText(state)}.`);
    byId('range-text', HTMLElement).textContent = rangeText(state);
    byId('range-clear', HTMLButtonElement).hidden = !state.marked;
    clearTimeout(this.#settle);
    this.#slices.stop();
    if (this.#whole && !state.marked) return this.#figured(this.#whole);
    section('tables').dataset['busy'] = '';
    const start = (): void => {
      const { model, range } = this.state;
      if (model) this.#slices.start(model.trace, range.first, range.end);
    };
    this.#settle = setTimeout(start, this.figures ? SETTLE_MS : FIRST_MS);
  }

  #figured(figures: RangeFigures): void {
    this.figures = figures;
    delete section('tables').dataset['busy'];
    fillTables(this.state, this.systems, this.threads, figures);
    if (!this.state.marked && figures !== this.#whole) {
      this.#whole = figures;
      this.#verdict.know(new Map(figures.systems.map(one => [one.number, one.p50Ns])));
    }
    if (this.state.chosen) this.#zonePanel.fill();
  }

  /** Goes along the critical path, over pieces that are zones. */
  #stepPath(by: number): void {
    const { chosen } = this.state;
    const pieces = this.gantt.path.filter(one => one.zone >= 0);
    const is = (one?: TraceSegment): boolean =>
      one?.thread === chosen?.thread && one?.zone === chosen?.zone;
    // A zone may have several pieces, with others in between.
    const at = is(pieces[this.#piece]) ? this.#piece : pieces.findIndex(is);
    this.#piece = at < 0 ? (by > 0 ? 0 : pieces.length - 1) : at + by;
    const to = pieces[this.#piece];
    if (to) this.state.selectZone({ thread: to.thread, zone: to.zone });
  }
}
