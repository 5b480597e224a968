// Shows one kept page where there is no network. Pages of the books are always asked for, and never kept.
(() => {
  "use strict";
  const name = "offline-{{ version }}";
  const kept = {{ kept|safe }};

  addEventListener("install", (event) => event.waitUntil(
    caches.open(name).then((cache) => cache.addAll(kept)).then(() => skipWaiting())));

  addEventListener("activate", (event) => event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((one) => one.startsWith("offline-") && one !== name).map((one) => caches.delete(one)));
    if (registration.navigationPreload) await registration.navigationPreload.enable();
    await clients.claim();
  })()));

  const find = (url) => caches.match(url, { ignoreVary: true });

  addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.method !== "GET") return;
    const url = new URL(request.url);
    if (request.mode === "navigate") {
      event.respondWith((async () => {
        try {
          return (await event.preloadResponse) || (await fetch(request));
        } catch (error) {
          const page = await find(kept[0]);
          if (page) return page;
          throw error;
        }
      })());
    } else if (kept.slice(1).includes(url.pathname + url.search)) {
      event.respondWith(find(request.url).then((found) => found || fetch(request)));
    }
  });
})();
