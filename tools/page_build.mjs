// SPDX-License-Identifier: MIT
// Builds the page of the scene `skies` into one folder that any server can show, among them
// `skep serve skies --page build/pages/skies`: its modules in one, the scene's wasm, the coastlines
// of world-atlas as a small file, and the trace viewer below trace/. Needs js/dist and build/wasm
// (tools/js_build.sh).
//
//     node tools/page_build.mjs [FOLDER]

import { build } from 'esbuild';
import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { feature, mesh } from 'topojson-client';
import { viewerPage } from './viewer_build.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = join(ROOT, 'examples/skies');
const out = resolve(process.argv[2] ?? join(ROOT, 'build/pages/skies'));

/** Whole numbers, each in as few bytes as it takes; below zero in turns with above. */
class Numbers {
  #bytes = [];
  #last = [0, 0];

  put(n) {
    for (; n > 0x7f; n >>>= 7) this.#bytes.push((n & 0x7f) | 0x80);
    this.#bytes.push(n);
  }

  #signed(n) {
    this.put(((n << 1) ^ (n >> 31)) >>> 0);
  }

  /** A line of places: how many, then each as its way from the one before, in steps of a 65,535th
   * of the width and the height of the world. Places that fall together are one. What crosses the
   * edge of the map goes on beyond it. */
  line(places) {
    const steps = [];
    for (const [lon, lat] of places) {
      const at = [((lon + 180) / 360) * 65535, ((lat + 90) / 180) * 65535].map(Math.round);
      const before = steps.at(-1);
      if (before) at[0] -= Math.round((at[0] - before[0]) / 65535) * 65535;
      if (!before || at[0] !== before[0] || at[1] !== before[1]) steps.push(at);
    }
    this.put(steps.length);
    for (const at of steps) {
      this.#signed(at[0] - this.#last[0]);
      this.#signed(at[1] - this.#last[1]);
      this.#last = at;
    }
  }

  get bytes() {
    return Uint8Array.from(this.#bytes);
  }
}

async function land() {
  const path = createRequire(import.meta.url).resolve('world-atlas/countries-50m.json');
  const world = JSON.parse(await readFile(path, 'utf8'));
  const numbers = new Numbers();
  const shapes = [feature(world, world.objects.land)].flatMap(f => f.features ?? f);
  const polygons = shapes.flatMap(({ geometry }) =>
    geometry.type === 'MultiPolygon' ? geometry.coordinates : [geometry.coordinates],
  );
  numbers.put(polygons.length);
  for (const rings of polygons) {
    numbers.put(rings.length);
    for (const ring of rings) numbers.line(ring);
  }
  const borders = mesh(world, world.objects.countries, (a, b) => a !== b).coordinates;
  numbers.put(borders.length);
  for (const line of borders) numbers.line(line);
  return numbers.bytes;
}

/** The trace viewer beside the page. A server's policy lets no script run that stands in a page, so
 * it gets a file of its own, and one before it that fetches the trace from the page of skies. */
async function viewer() {
  const page = await viewerPage();
  const [whole, code] = /<script>([^]*?)<\/script>/.exec(page);
  const [policy] = /script-src 'sha256-[^']+'/.exec(page);
  const html = page
    .replace(whole, () => '<script type="module" src="open.js"></script>')
    .replace(policy, "script-src 'self'");
  await mkdir(join(out, 'trace'));
  await writeFile(join(out, 'trace/index.html'), html);
  await writeFile(join(out, 'trace/viewer.js'), code);
  await cp(join(PAGE, 'trace_open.js'), join(out, 'trace/open.js'));
}

async function main() {
  const client = await stat(join(ROOT, 'js/dist/client.js')).catch(() => null);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await build({
    entryPoints: [join(PAGE, 'main.js')],
    absWorkingDir: ROOT,
    outdir: out,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    chunkNames: 'part-[hash]',
    logLevel: 'warning',
    ...(client ? {} : { external: ['skep/client'] }),
  });
  for (const name of ['index.html', 'style.css', 'icon.svg']) {
    await cp(join(PAGE, name), join(out, name));
  }
  await cp(join(ROOT, 'build/wasm/skies.wasm'), join(out, 'skies.wasm'));
  const bytes = await land();
  await writeFile(join(out, 'land.bin'), bytes);
  await viewer();
}

await main();
