// Folded parts open when the page is printed. (For a link into them the next script opens them; for its find, the browser.)
(function () {
  "use strict";

  addEventListener("beforeprint", () => {
    const address = location.protocol === "file:" ? "" : location.href.split("#")[0];
    document.querySelectorAll(".printed-from:empty").forEach((line) => { line.textContent = address; });
  });
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));

  // One switch for all folded code of a page; what was chosen last holds on the next page too.
  const folds = [...document.querySelectorAll(".cell > details")];
  if (!folds.length) return;
  const button = document.createElement("button");
  const show = (all) => {
    folds.forEach((fold) => { fold.open = all; });
    button.textContent = all ? "Hide all code" : "Show all code";
  };
  let all = false;
  try { all = localStorage.getItem("code") === "shown"; } catch { /* no store */ }
  button.type = "button";
  button.className = "code-switch";
  button.addEventListener("click", () => {
    show(all = !all);
    try { localStorage.setItem("code", all ? "shown" : "folded"); } catch { /* no store */ }
  });
  show(all);
  folds[0].before(button);
})();
