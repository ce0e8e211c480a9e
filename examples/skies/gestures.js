// SPDX-License-Identifier: MIT
// Hands on the map: drag, wheel, pinch, double click, keys, and taps.

const TAP_PX = 7;
const KEY_PX = 90;

/** Moves a view by what happens on an element; `tap` gets pixels and the reach of the finger. */
export function listenToHands(element, view, { tap, moved }) {
  const down = new Map();
  let travelled = 0;

  element.addEventListener('pointerdown', event => {
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (down.size === 1) travelled = 0;
    element.dataset.held = '';
  });

  element.addEventListener('pointermove', event => {
    const from = down.get(event.pointerId);
    if (!from) return;
    const to = { x: event.clientX, y: event.clientY };
    travelled += Math.hypot(to.x - from.x, to.y - from.y);
    if (down.size === 1) {
      if (travelled > TAP_PX) {
        view.pan(to.x - from.x, to.y - from.y);
        moved();
      }
    } else if (down.size === 2) {
      const other = [...down].find(([id]) => id !== event.pointerId)[1];
      const before = Math.hypot(from.x - other.x, from.y - other.y);
      const after = Math.hypot(to.x - other.x, to.y - other.y);
      view.pan((to.x - from.x) / 2, (to.y - from.y) / 2);
      if (before > 10) view.zoom(after / before, (to.x + other.x) / 2, (to.y + other.y) / 2);
      travelled += TAP_PX;
      moved();
    }
    down.set(event.pointerId, to);
  });

  const up = event => {
    const was = down.delete(event.pointerId);
    if (down.size === 0) delete element.dataset.held;
    if (!was || event.type !== 'pointerup' || down.size || travelled > TAP_PX) return;
    tap(event.clientX, event.clientY, event.pointerType === 'mouse' ? 12 : 26);
  };
  element.addEventListener('pointerup', up);
  element.addEventListener('pointercancel', up);

  element.addEventListener(
    'wheel',
    event => {
      event.preventDefault();
      const unit = event.deltaMode === 1 ? 16 : 1;
      const step = Math.max(-240, Math.min(240, event.deltaY * unit));
      // A pinch on a touch pad comes as a wheel with the control key.
      const rate = event.ctrlKey ? 0.01 : 0.0022;
      view.zoom(Math.exp(-step * rate), event.clientX, event.clientY, Math.abs(step) > 60);
      moved();
    },
    { passive: false },
  );
  element.addEventListener('dblclick', event => {
    view.zoom(event.shiftKey ? 0.5 : 2, event.clientX, event.clientY, true);
    moved();
  });

  element.addEventListener('keydown', event => {
    const pans = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const pan = pans[event.key];
    if (pan && !event.defaultPrevented) {
      view.pan(pan[0] * KEY_PX, pan[1] * KEY_PX);
    } else if (event.key === '+' || event.key === '=') {
      view.zoom(1.6, undefined, undefined, true);
    } else if (event.key === '-') {
      view.zoom(1 / 1.6, undefined, undefined, true);
    } else if (event.key === '0') {
      view.go(0.52, 0.36, 1);
    } else {
      return;
    }
    event.preventDefault();
    moved();
  });
}
