// SPDX-License-Identifier: MIT
// The line of figures at the foot of the page, the panel behind it, and the banner that says when
// the server is gone.

const POLL_MS = 1000;
const BACK_MS = 2500;
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

const get = id => document.getElementById(id);
const put = (id, text) => {
  const field = get(id);
  if (field.textContent !== text) field.textContent = text;
};
const ms = value => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/** Bytes a second as people say them. */
function rate(bytes) {
  if (!Number.isFinite(bytes)) return '-';
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB/s` : `${(bytes / 1e3).toFixed(1)} kB/s`;
}

export class Panel {
  #source = null;
  #before = null;
  #polled = 0;
  #pictureMs = 0;

  constructor({ lag }) {
    const line = get('line');
    line.addEventListener('click', () => (this.open = get('panel').hidden));
    get('panel-close').addEventListener('click', () => {
      this.open = false;
      line.focus();
    });
    get('lag').addEventListener('input', event => {
      const value = Number(event.target.value);
      put('lag-value', value ? `${value} ms` : 'none');
      lag(value);
    });
  }

  set open(open) {
    get('panel').hidden = !open;
    get('line').setAttribute('aria-expanded', String(open));
  }

  set source(source) {
    this.#source = source;
    document.documentElement.dataset.source = source.local ? 'local' : 'live';
  }

  /** A picture was drawn, in so many milliseconds. */
  picture(spent, count) {
    this.#pictureMs += (spent - this.#pictureMs) / 20;
    document.documentElement.dataset.shown = String(count);
    document.documentElement.dataset.ms = this.#pictureMs.toFixed(2);
  }

  /** Brings the figures up to date, once a second. */
  show(now, { traffic, shown, drawnBy }) {
    if (now - this.#polled < POLL_MS || !this.#source) return;
    const seconds = (now - this.#polled) / 1000;
    this.#polled = now;
    const total = traffic?.flights ?? 0;
    put('line-flights', whole.format(total));
    put('line-alerts', whole.format(traffic?.alerted ?? 0));
    put('flights', whole.format(total));
    put('climbing', whole.format(traffic?.climbing ?? 0));
    put('cruising', whole.format(traffic?.cruising ?? 0));
    put('descending', whole.format(traffic?.descending ?? 0));
    put('alerts', whole.format(traffic?.alerted ?? 0));
    put('picture', `${ms(this.#pictureMs)} ms`);
    put('entities', whole.format(shown));
    put('drawn-by', drawnBy);
    this.#wire(seconds);
    if (!get('panel').hidden) this.#server();
  }

  #wire(seconds) {
    const stats = this.#source.stats();
    if (!stats) return put('line-wire', 'in this page');
    const before = this.#before ?? stats;
    this.#before = stats;
    const bytes = (stats.bytesReceived - before.bytesReceived) / seconds;
    const states = (stats.states - before.states) / seconds;
    put('line-wire', rate(bytes));
    put('bytes', rate(bytes));
    const each = bytes / Math.max(states, 1e-9) / Math.max(stats.entities, 1);
    put('bytes-each', states ? `${each.toFixed(2)} B` : '-');
    put('states', `${states.toFixed(1)} a second`);
    put('delay', `${ms(stats.delayMs)} ms`);
    put('rtt', stats.rttMs ? `${ms(stats.rttMs)} ms` : '-');
    const p = stats.predict;
    put('corrections', p ? `${whole.format(p.corrections)} of ${whole.format(p.compared)}` : '-');
    put('ahead', p && p.compared ? `${p.lead} ticks` : '-');
  }

  async #server() {
    const said = await this.#source.server().catch(() => ({}));
    put('frame-ms', said.ms === undefined || Number.isNaN(said.ms) ? '-' : `${ms(said.ms)} ms`);
    const workers = said.workers;
    const many = workers === undefined ? '' : workers === 1 ? ', 1 worker' : `, ${workers} workers`;
    put('executor', said.kind ? `${said.kind}${many}` : '-');
    put('players', said.players === undefined ? '-' : whole.format(said.players));
  }
}

/** What the page says of its connection. */
export class Banner {
  #box = get('banner');
  #was = '';
  #timer = 0;

  constructor({ again }) {
    get('again').addEventListener('click', again);
  }

  say(state, why) {
    const texts = {
      connecting: ['Looking for the world', why?.message ?? ''],
      stale: ['The world stands still', 'The server is connected and sends nothing.'],
      reconnecting: [
        'The server is gone',
        `Trying again. What you see is the last that it sent${why ? ` (${why.message})` : ''}.`,
      ],
      closed: ['The connection has ended', why?.message ?? ''],
    };
    document.documentElement.dataset.state = state;
    clearTimeout(this.#timer);
    get('again').hidden = state !== 'closed';
    if (state === 'live') {
      const lost = this.#was === 'reconnecting' || this.#was === 'stale';
      this.#box.dataset.kind = 'good';
      if (lost) {
        put('banner-title', 'Back again');
        put('banner-text', 'The server sends as before.');
        this.#timer = setTimeout(() => (this.#box.hidden = true), BACK_MS);
      }
      this.#box.hidden = !lost;
    } else {
      const [title, text] = texts[state];
      this.#box.dataset.kind = state === 'connecting' ? 'calm' : 'bad';
      put('banner-title', title);
      put('banner-text', text);
      this.#box.hidden = false;
    }
    this.#was = state;
  }

  /** Something that cannot be mended by waiting. */
  fail(error) {
    this.say('closed', error);
  }
}
