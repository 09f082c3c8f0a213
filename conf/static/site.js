// Folded parts open when a link leads into them and when the page is printed. (The browser's find opens them by itself.)
(function () {
  "use strict";

  function unfold(target) {
    for (let part = target; part; part = part.parentElement) {
      if (part instanceof HTMLDetailsElement) part.open = true;
    }
  }

  function follow() {
    // ids of this site need no escapes; what stands behind a "?" is an interactive figure's state
    const target = document.getElementById(location.hash.slice(1).split("?")[0]);
    if (!target) return;
    unfold(target);
    target.scrollIntoView();
  }

  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
  if (location.hash) follow();
})();
