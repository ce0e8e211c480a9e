// SPDX-License-Identifier: MIT
// The panel: says where the job runs and why, shows figures, and hands on what the visitor asks
// for.

const $ = selector => document.querySelector(selector);
const SHOW_MS = 250;
const SPARKS = 160;

const NAMES = { web: 'Shared memory', copied: 'Copies', local: 'In the page' };

/** Why the job runs where it does, in plain words. */
function reason(asked, { kind, workers, fallback }) {
  const team = workers === 1 ? 'One worker' : `${workers} workers`;
  if (kind === 'web') {
    return (
      `${team} on the world's own memory: nothing is copied. The page is cross-origin `
      + 'isolated, which is what browsers ask for before they share any.'
    );
  }
  if (kind === 'copied') {
    const how = `${team} without shared memory: columns are copied there and back.`;
    return asked === 'copied'
      ? `${how} You asked for it.`
      : `${how} The ${fallback.split(';')[0]}.`;
  }
  return asked === 'local'
    ? "The job runs on the page's own thread. You asked for it."
    : `The job runs on the page's own thread. Why: ${fallback}.`;
}

export class Panel {
  /** What was asked for. */
  chosen = 'auto';
  paused = false;
  theme = 'dark';
  #frames = [];
  #draws = 0;
  #shownAt = 0;

  constructor() {
    const asked = new URLSearchParams(location.search).get('theme');
    const light = matchMedia('(prefers-color-scheme: light)');
    this.#paint(asked ?? (light.matches ? 'light' : 'dark'));
    if (innerWidth > 700 && innerHeight > 640) $('#rest').open = true;
  }

  #paint(theme) {
    this.theme = theme;
    document.documentElement.dataset.theme = theme;
  }

  /** A colour of the style sheet. */
  color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name);
  }

  /** The part of the window that the panel leaves free. */
  free() {
    const box = $('#panel').getBoundingClientRect();
    const { innerWidth: width, innerHeight: height } = window;
    if (box.width > 0.8 * width) {
      // A sheet at the foot: what is folded out covers the swarm for a while.
      const folded = Math.min(box.height, 0.42 * height);
      return { x: 0, y: 56, width, height: Math.max(height - folded - 56, 120) };
    }
    return box.left > width / 2
      ? { x: 0, y: 0, width: box.left, height }
      : { x: box.right, y: 0, width: width - box.right, height };
  }

  // ---- where it runs ------------------------------------------------------------------------

  starting(executor) {
    this.chosen = executor;
    for (const button of document.querySelectorAll('[data-executor]')) {
      button.setAttribute('aria-pressed', String(button.dataset.executor === executor));
    }
    $('#kind').textContent = 'starting';
    delete document.documentElement.dataset.executor;
  }

  runs(asked, executor) {
    $('#kind').textContent = NAMES[executor.kind];
    $('#dot').dataset.kind = executor.kind;
    $('#why').textContent = reason(asked, executor);
    $('#workers').textContent = String(executor.workers);
    $('#hang').disabled = executor.kind === 'local';
    $('#hang').title =
      executor.kind === 'local' ? "Nothing can end a loop on the page's own thread" : '';
    this.#offer(executor.kind !== 'web');
    document.documentElement.dataset.executor = executor.kind;
  }

  refused(asked, error, executor) {
    this.starting('auto');
    this.runs('auto', executor);
    $('#why').textContent =
      `${NAMES[asked] ?? asked} cannot be had here: ${error.message}. ` + reason('auto', executor);
  }

  /** Offers the service worker that isolates the page, where no header does. */
  #offer(wanted) {
    const more = $('#more');
    const can = wanted && !crossOriginIsolated && 'serviceWorker' in navigator;
    more.hidden = !can;
    if (!can) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.id = 'isolate';
    button.textContent = 'isolate this page';
    button.addEventListener('click', async () => {
      await navigator.serviceWorker.register('isolate.js');
      await navigator.serviceWorker.ready;
      location.reload();
    });
    more.replaceChildren('No headers from this host? ', button, ' by a service worker.');
  }

  broken(error) {
    $('#kind').textContent = 'stopped';
    $('#dot').dataset.kind = 'local';
    $('#why').textContent = [error.message, error.hint].filter(text => text).join(': ');
  }

  // ---- figures ------------------------------------------------------------------------------

  /** A frame of the world has ended. */
  frame(report) {
    this.#frames.push(report.ms);
    if (this.#frames.length > SPARKS) this.#frames.shift();
    document.documentElement.dataset.tick = String(report.frame);
  }

  fault(fault) {
    const log = $('#fault');
    log.textContent = fault.message;
    log.dataset.bad = fault.action;
    log.scrollTop = 0;
  }

  /** A picture was drawn. */
  drawn(now, { bees, back }) {
    this.#draws++;
    if (now - this.#shownAt < SHOW_MS) return;
    const last = this.#frames.slice(-30);
    const ms = last.reduce((sum, x) => sum + x, 0) / Math.max(last.length, 1);
    if (this.#shownAt) {
      $('#fps').textContent = String(Math.round((1000 * this.#draws) / (now - this.#shownAt)));
    }
    $('#ms').textContent = ms.toFixed(ms < 10 ? 2 : 1);
    $('#bees').textContent = bees.toLocaleString('en');
    $('#rewind').disabled = back === 0;
    this.#draws = 0;
    this.#shownAt = now;
    this.#spark();
  }

  #spark() {
    const canvas = $('#spark');
    const ratio = devicePixelRatio;
    const width = (canvas.width = canvas.clientWidth * ratio);
    const height = (canvas.height = canvas.clientHeight * ratio);
    const context = canvas.getContext('2d');
    const most = Math.max(...this.#frames, 4);
    const step = width / SPARKS;
    context.fillStyle = this.color('--honey');
    this.#frames.forEach((ms, i) => {
      const tall = Math.max((ms / most) * height, ratio);
      context.globalAlpha = 0.35 + (0.65 * i) / SPARKS;
      context.fillRect((SPARKS - this.#frames.length + i) * step, height - tall, step * 0.7, tall);
    });
  }

  /** The rows of a comparison, as far as they are there. */
  compared(rows) {
    const cell = text => Object.assign(document.createElement('td'), { textContent: text });
    $('#compared').hidden = false;
    $('#compared tbody').replaceChildren(
      ...rows.map(({ executor, ms, hash, error }) => {
        const row = document.createElement('tr');
        row.append(
          cell(NAMES[executor]),
          cell(error ? '' : ms.toFixed(2)),
          cell(error ? 'not here' : hash),
        );
        if (error) row.title = error;
        return row;
      }),
    );
    $('#compared').scrollIntoView({ block: 'nearest' });
  }

  // ---- what is asked for --------------------------------------------------------------------

  /** Sets the slider, whose steps grow with the number. */
  bees(count, most) {
    $('#count').value = String(Math.round((100 * Math.log(count / 1000)) / Math.log(most / 1000)));
    this.#most = most;
  }
  #most = 1;

  on({ executor, bees, pause, step, rewind, trouble, compare, fit }) {
    for (const button of document.querySelectorAll('[data-executor]')) {
      button.addEventListener('click', () => executor(button.dataset.executor));
    }
    $('#count').addEventListener('change', () => {
      const exact = 1000 * (this.#most / 1000) ** (Number($('#count').value) / 100);
      bees(Math.round(exact / 1000) * 1000);
    });
    $('#pause').addEventListener('click', () => {
      this.paused = !this.paused;
      $('#pause').textContent = this.paused ? 'Go on' : 'Pause';
      pause(this.paused);
    });
    $('#step').addEventListener('click', step);
    $('#rewind').addEventListener('click', rewind);
    $('#throw').addEventListener('click', () => trouble(1));
    $('#hang').addEventListener('click', () => trouble(2));
    $('#compare').addEventListener('click', compare);
    $('#theme').addEventListener('click', () => {
      this.#paint(this.theme === 'dark' ? 'light' : 'dark');
      fit();
    });
  }
}
