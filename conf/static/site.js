// Folded parts open when the page is printed. (For links, links.js opens them; for its find, the browser does.)
(function () {
  "use strict";

  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
})();
