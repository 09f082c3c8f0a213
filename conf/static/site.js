// Folded parts open when the page is printed. (For a link into them the next script opens them; for its find, the browser.)
(function () {
  "use strict";

  addEventListener("beforeprint", () => {
    const address = location.protocol === "file:" ? "" : location.href.split("#")[0];
    document.querySelectorAll(".printed-from:empty").forEach((line) => { line.textContent = address; });
  });
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
})();
