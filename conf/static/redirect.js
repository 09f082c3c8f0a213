// A short link leads on and keeps what stands behind the address: the query and the anchor, with a figure's state, and
// the words that a link names, which the browser shows to scripts at this place only.
(function () {
  "use strict";
  const words = performance.getEntriesByType("navigation")[0]?.name.split(":~:")[1];
  const hash = words ? `${location.hash || "#"}:~:${words}` : location.hash;
  location.replace(document.currentScript.dataset.to + location.search + hash);
})();
