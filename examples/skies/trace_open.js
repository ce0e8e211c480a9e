// SPDX-License-Identifier: MIT
// Starts the trace viewer below the page of skies, with the trace that this page was opened for:
// the page that opened it has that, and is asked for it.

const WAIT_MS = 3000;
const PIECE = 3 * 8192;

/** The bytes from the page that opened this one; null where it does not have them. */
function fetchTrace(name) {
  return new Promise(done => {
    if (!name || !window.opener) return done(null);
    addEventListener('message', ({ origin, data }) => {
      if (origin === location.origin && data?.skepTrace === name) done(data.bytes);
    });
    window.opener.postMessage({ skepTrace: name }, location.origin);
    setTimeout(done, WAIT_MS, null);
  });
}

/** As the viewer finds a trace in its page. */
function base64(bytes) {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += PIECE) {
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE))));
  }
  return pieces.join('');
}

// Browsers without it have the viewer read a data: address, which the server's policy forbids.
Uint8Array.fromBase64 ??= text => Uint8Array.from(atob(text.trim()), c => c.charCodeAt(0));

const name = decodeURIComponent(location.hash.slice(1));
const bytes = await fetchTrace(name);
if (bytes) {
  const place = document.getElementById('trace');
  place.textContent = base64(bytes);
  place.dataset.name = name;
}
await import('./viewer.js');
