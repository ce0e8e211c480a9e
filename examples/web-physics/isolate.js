// SPDX-License-Identifier: MIT
// A service worker for hosts that cannot be told to send headers: it adds the two that make a page
// cross-origin isolated, so that its workers may share memory. The page registers it when it is
// asked to, and takes it away again.

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', event => {
  const { request } = event;
  if (request.cache === 'only-if-cached' && request.mode !== 'same-origin') return;
  event.respondWith(isolated(request));
});

async function isolated(request) {
  const answer = await fetch(request);
  if (answer.type === 'opaque' || answer.type === 'opaqueredirect') return answer;
  const headers = new Headers(answer.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  const { status, statusText } = answer;
  return new Response(answer.body, { status, statusText, headers });
}
