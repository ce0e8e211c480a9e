// SPDX-License-Identifier: MIT
// What the page knows of the scene: its components by names and fields, as scenes/skies.c has them.

import { defineComponent, defineInput, defineResource, utf8Text } from 'skep';

export const Pos = defineComponent({
  name: 'Pos',
  fields: { x: 'f32', y: 'f32', z: 'f32', alt_ft: 'f32' },
});
export const Cruise = defineComponent({
  name: 'Cruise',
  fields: { level_ft: 'f32', speed_kt: 'f32', from_ft: 'f32', to_ft: 'f32' },
});
export const Route = defineComponent({ name: 'Route', fields: { from: 'u16', to: 'u16' } });
export const Alert = defineComponent({
  name: 'Alert',
  fields: { other: 'entity', nm: 'f32', ft: 'f32' },
});
export const Airport = defineComponent({ name: 'Airport', fields: { index: 'u16' } });
export const Site = defineComponent({
  name: 'Site',
  fields: {
    x: 'f32',
    y: 'f32',
    z: 'f32',
    ft: 'f32',
    iata: 'bytes[4]',
    icao: 'bytes[8]',
    country: 'bytes[4]',
    name: 'bytes[48]',
  },
});
export const Pilot = defineComponent({
  name: 'Pilot',
  fields: { turn: 'f32', climb: 'f32', throttle: 'f32', flying: 'u8', player: 'u32' },
});
export const Glide = defineComponent({
  name: 'Glide',
  fields: { x: 'f32', y: 'f32', z: 'f32', kt: 'f32', time_scale: 'f32' },
});
export const Steer = defineInput({
  name: 'Steer',
  fields: { turn: 'f32', climb: 'f32', throttle: 'f32', from: 'u16' },
});
export const Rules = defineResource({
  name: 'Rules',
  fields: { time_scale: 'f32', floor_ft: 'f32', chord: 'f32' },
});
export const Traffic = defineResource({
  name: 'Traffic',
  fields: { flights: 'u32', climbing: 'u32', cruising: 'u32', descending: 'u32', alerted: 'u32' },
});
export const Stats = defineResource({
  name: 'Stats',
  fields: { departures: 'u64', landings: 'u64', warnings: 'u64', hours: 'f64' },
});

/** Steer.from of who stands still and is seen no more. */
export const PARK = 65535;

export const EARTH_NM = 6371008.8 / 1852;

/** One airport of the world. */
function airportOf(site, i, index) {
  const text = (column, bytes) => utf8Text(column, i, bytes);
  return {
    index,
    x: site.x[i],
    y: site.y[i],
    z: site.z[i],
    ft: Math.round(site.ft[i]),
    iata: text(site.iata, 4),
    icao: text(site.icao, 8),
    country: text(site.country, 4),
    name: text(site.name, 48),
  };
}

/** All airports by number, from one picture of the world. */
export function readAirports(frame) {
  const airports = [];
  frame.each([Site, Airport], (n, site, airport) => {
    for (let i = 0; i < n; i++) {
      const index = airport.index[i];
      airports[index] = airportOf(site, i, index);
    }
  });
  return airports;
}

/** Nautical miles between two points on the unit sphere. */
export function milesBetween(a, b) {
  const chord = Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z);
  return 2 * Math.asin(Math.min(chord / 2, 1)) * EARTH_NM;
}

/** What a flight is called by: entities have numbers, people like names. */
export const callSign = entity => `SK ${String(entity >>> 0).padStart(4, '0')}`;
