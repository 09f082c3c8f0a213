// Folded parts open when the page is printed. (For a link into them the next script opens them; for its find, the browser.)
(function () {
  "use strict";

  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
})();
