// SPDX-License-Identifier: MIT
// What server and client share of the way to wasm: descriptions of components that were made in C,
// and the words that wasm/host_publish.c and wasm/host_view.c take.

import { TYPE_NAMES, type ComponentInfo, type FieldLayout } from '../component.js';
import type { Host } from './host.js';
import { KIND } from './layout.js';

/** Where numbers stand in io for skep_host_publish_open. */
export const PUBLISH = {
  replicas: 0,
  rates: 1,
  tickHz: 2,
  every: 3,
  ring: 4,
  sessionMax: 5,
  upMax: 6,
  downMax: 7,
  inputWindow: 8,
  inputsATick: 9,
  eventBytes: 10,
  helloMs: 11,
  pingMs: 12,
  dropMs: 13,
  resumeMs: 14,
  place: 15,
  axes: 16,
  field: 17,
  cell: 20,
  declared: 21,
  lists: 22,
} as const;

/** For skep_host_view_open. */
export const VIEW = {
  replicas: 0,
  predict: 1,
  token: 2,
  tokenBytes: 3,
  delayMin: 4,
  delayMax: 5,
  stale: 6,
  silence: 7,
  entityMax: 8,
  bytesMax: 9,
  axes: 10,
  low: 11,
  high: 14,
  lists: 17,
} as const;

/** The most components, events, resources and inputs of one schema: SKEP_REPLICA_MAX. */
export const REPLICA_MAX = 64;

/** A component as wasm describes it. */
export interface Described {
  readonly address: number;
  /** Without an id: it is none of this realm's definitions. */
  readonly info: ComponentInfo;
}

/** Reads the description at an address. */
export function describeAt(host: Host, address: number): Described {
  host.ex['skep_host_describe']!(host.address, address);
  const { instance } = host;
  const kind = host.word(1);
  const layout: FieldLayout[] = [];
  for (let f = 0; f < host.word(3); f++) {
    const at = 4 + 5 * f;
    layout.push({
      name: instance.text(host.word(at)),
      type: TYPE_NAMES[host.word(at + 1) - 1]!,
      code: host.word(at + 1),
      size: host.word(at + 2),
      count: host.word(at + 3),
      offset: host.word(at + 4),
    });
  }
  const name = instance.text(host.word(0));
  const fields = Object.fromEntries(
    layout.map(f => [f.name, f.count === 1 && f.type !== 'bytes' ? f.type : [f.type, f.count]]),
  );
  const identity =
    (kind === KIND.component ? '' : `${kind}:`)
    + `${name}{${layout.map(f => `${f.name}:${f.type}*${f.count}`).join()}}`;
  return {
    address,
    info: {
      id: -1,
      name,
      fields,
      layout,
      size: host.word(2) >>> 8,
      align: host.word(2) & 255,
      object: false,
      defaults: null,
      identity,
      ...(kind !== KIND.component && { kind }),
    },
  };
}

/** All components, resources, events and inputs that a world knows, those of its C systems
 * included, by kind and name: "0:Pos". */
export function describeWorld(host: Host): Map<string, Described> {
  const all = new Map<string, Described>();
  for (let i = 0; ; i++) {
    const address = host.ex['skep_host_component']!(host.address, i);
    if (!address) return all;
    const described = describeAt(host, address);
    const key = `${described.info.kind ?? 0}:${described.info.name}`;
    if (!all.has(key)) all.set(key, described);
  }
}

/** A double that the last call left in io. */
export function doubleAt(host: Host, at: number): number {
  return host.instance.f64[(host.io >> 1) + at]!;
}

/** The host's clock. */
export const clock = (): number => performance.now();

/** What the log has to say of a failure, else the host's own words. */
export function whyFailed(host: Host): string {
  const said = host
    .takeLog()
    .filter(line => line.level >= 2)
    .map(line => line.text);
  return said.length
    ? said.join('; ')
    : host.instance.text(host.ex['skep_host_error']!(host.address));
}
