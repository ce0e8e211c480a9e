// SPDX-License-Identifier: MIT
// Draws the scene. The jobs run where the page may have them run: on workers that share the world's
// memory when the host sends the two headers for isolation, on workers that get copies when not, in
// the page when workers are forbidden; what it is, and why, stands in the corner.
//
//     ?executor=auto|web|copied|local    ?entities=N    ?frames=N stops after so many

import { ParallelScheduler, World, defineComponent, loadScene } from './skep/index.js';

const query = new URLSearchParams(location.search);
const entities = Number(query.get('entities') ?? 2000);
const framesMax = Number(query.get('frames') ?? Infinity);
const DT = 1 / 60;

// The scene's components by their names and fields, as own.c has them.
const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
const Glow = defineComponent({ name: 'Glow', fields: { phase: 'f32', light: 'f32' } });

const text = (id, value) => {
  document.getElementById(id).textContent = value;
};
const canvas = document.getElementById('sky');
const picture = canvas.getContext('2d');

/** One firefly's light, drawn once and stamped. */
function stamp(inner, outer, size) {
  const made = document.createElement('canvas');
  made.width = made.height = size;
  const to = made.getContext('2d');
  const light = to.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
  light.addColorStop(0, inner);
  light.addColorStop(0.25, outer);
  light.addColorStop(1, 'transparent');
  to.fillStyle = light;
  to.fillRect(0, 0, size, size);
  return made;
}
const lit = stamp('#fbffd0', '#c9f24a66', 26);
const dim = stamp('#7d8f4e', '#55663322', 8);

function fit() {
  const scale = Math.min(devicePixelRatio, 2);
  const [width, height] = [Math.round(innerWidth * scale), Math.round(innerHeight * scale)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

function draw(world) {
  fit();
  const { width, height } = canvas;
  const unit = Math.min(width, height) / 30;
  picture.clearRect(0, 0, width, height);
  picture.globalCompositeOperation = 'lighter';
  world.each({ read: [Pos, Glow] }, (n, pos, glow) => {
    for (let i = 0; i < n; i++) {
      const image = glow.light[i] > 0 ? lit : dim;
      picture.drawImage(
        image,
        width / 2 + pos.x[i] * unit - image.width / 2,
        height / 2 - pos.y[i] * unit - image.height / 2,
      );
    }
  });
}

const many = workers => (workers === 1 ? 'one worker' : `${workers} workers`);
const WHERE = {
  web: workers => `on ${many(workers)}, with the world's memory shared`,
  copied: workers => `on ${many(workers)}, with copies of what is read`,
  local: () => 'in the page itself',
};

async function main() {
  const world = new World();
  const scheduler = new ParallelScheduler(world, {
    executor: query.get('executor') ?? 'auto',
    createWorker: () => new Worker(new URL('worker.js', import.meta.url), { type: 'module' }),
    onFallback: reason => text('why', reason),
  });
  scheduler.addScene(await loadScene(new URL('own.wasm', import.meta.url)), { entities });
  await scheduler.initPool();
  const { kind, workers } = scheduler.executor;
  text('where', `runs ${WHERE[kind](workers)}`);

  let ran = 0;
  let ms = 0;
  const turn = async () => {
    if (ran >= framesMax) return finish(world, scheduler, ran);
    const report = await scheduler.runFrame(DT);
    ran++;
    ms += (report.ms - ms) / 30;
    draw(world);
    text('figures', `${entities} fireflies, frame ${ran}, ${ms.toFixed(2)} ms a frame`);
    requestAnimationFrame(() => turn().catch(fail));
  };
  await turn();
}

/** For whoever asked for so many frames: what came out, on the page and as a global. */
function finish(world, scheduler, frames) {
  const hash = world.hash().toString(16).padStart(16, '0');
  text('figures', `${entities} fireflies, ${frames} frames, hash ${hash}`);
  globalThis.finished = { ...scheduler.executor, frames, hash };
}

function fail(error) {
  document.querySelector('main').classList.add('failed');
  text('where', String(error));
  text('why', error.hint ?? '');
  globalThis.finished = { error: String(error) };
}

main().catch(fail);
