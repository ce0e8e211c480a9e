// SPDX-License-Identifier: MIT
// The server's world: what skep/client shows of it, with a delay of one's own added to both ways.

import { connect, webSocketTransport } from 'skep/client';
import {
  Airport,
  Alert,
  Cruise,
  Glide,
  Pilot,
  Pos,
  Route,
  Rules,
  Site,
  Stats,
  Steer,
  Traffic,
} from './components.js';

/** Holds messages back for half of `ms` each way, and keeps their order when that changes. */
export function laggingTransport(transport, lag) {
  /** Does one thing after another, each when it is due. */
  const line = () => {
    const waiting = [];
    let timer = 0;
    const turn = () => {
      timer = 0;
      while (waiting.length && waiting[0].due <= performance.now() + 0.5) waiting.shift().work();
      if (waiting.length) timer = setTimeout(turn, waiting[0].due - performance.now());
    };
    return work => {
      const due = performance.now() + lag.ms / 2;
      waiting.push({ due: Math.max(due, waiting.at(-1)?.due ?? 0), work });
      if (!timer) turn();
    };
  };
  return {
    connect(url, events) {
      const [up, down] = [line(), line()];
      let open = true;
      let held = 0;
      const connection = transport.connect(url, {
        open: () => events.open(),
        message: bytes => down(() => open && events.message(bytes)),
        closed: (code, reason) => {
          open = false;
          events.closed(code, reason);
        },
      });
      return {
        send(bytes) {
          const copy = bytes.slice();
          held += copy.length;
          up(() => {
            held -= copy.length;
            if (open) connection.send(copy);
          });
        },
        get buffered() {
          return connection.buffered + held;
        },
        close(code, reason) {
          open = false;
          connection.close(code, reason);
        },
      };
    },
  };
}

/** Frames a second and what one takes, from two readings of the server's counters. */
function frameMs(before, now) {
  const frames = now.frames - before.frames;
  return frames > 0 ? ((now.seconds - before.seconds) / frames) * 1000 : undefined;
}

/** Reads what the server tells of itself beside the world. */
function serverFigures(base) {
  let before = { frames: 0, seconds: 0 };
  return async () => {
    const [health, metrics] = await Promise.all(
      ['healthz', 'metrics'].map(name => fetch(new URL(name, base)).catch(() => null)),
    );
    const said = health?.ok ? await health.json().catch(() => ({})) : {};
    const text = metrics?.ok ? await metrics.text() : '';
    const value = name => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1] ?? NaN);
    const now = { frames: value('skep_frames_total'), seconds: value('skep_frame_seconds_total') };
    const ms = said.frame_ms ?? frameMs(before, now);
    before = now;
    return { ms, kind: said.executor, workers: said.workers, players: said.players };
  };
}

/** Reads the trace of the server's last seconds; nothing where `tag` is that of the last one. */
function serverTrace(base, token) {
  return async tag => {
    const headers = {
      ...(tag ? { 'If-None-Match': tag } : {}),
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
    };
    const answer = await fetch(new URL('trace.skept', base), { cache: 'no-store', headers });
    // Read in any case: browsers count an answer that was left as one that failed.
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.status === 200) return { bytes, tag: answer.headers.get('etag') };
    if (answer.ok || answer.status === 304) return {};
    const said = new TextDecoder().decode(bytes);
    // Servers that know of traces say why there is none.
    const text = /^[^<]*(trace|token|host)[^<]*$/.test(said) ? said.trim() : 'it keeps no trace';
    return { text: `The server shows no frames: ${text}.`, final: answer.status < 500 };
  };
}

export async function openLive({ onState, interest, url, token, signal }) {
  const lag = { ms: 0 };
  const at = new URL(url ?? 'world', document.baseURI);
  at.protocol = at.protocol.replace('http', 'ws');
  const live = await connect(at, {
    components: [Pos, Cruise, Route, Alert, Airport, Site, Pilot, Glide],
    resources: [Rules, Traffic, Stats],
    interest,
    predict: {
      input: Steer,
      scene: new URL('./skies.wasm', import.meta.url),
      systems: ['pilot', 'glide'],
      params: { entities: 0 },
    },
    transport: laggingTransport(webSocketTransport, lag),
    ...(token ? { token } : {}),
    ...(signal ? { signal } : {}),
    onState,
    timeoutMs: 0,
  });
  const base = new URL('.', at);
  base.protocol = base.protocol.replace('ws', 'http');
  return {
    local: false,
    frame: now => live.frame(now),
    send: value => live.send(value),
    own: () => live.own.entity,
    stats: () => live.stats(),
    server: serverFigures(base),
    trace: serverTrace(base, token),
    setLag(ms) {
      lag.ms = ms;
    },
    close: () => live.dispose(),
  };
}
