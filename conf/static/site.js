// Folded parts open when the page is printed, and close again after it. (For a link into them the next script opens them; for its find, the browser.)
(function () {
  "use strict";

  addEventListener("beforeprint", () => {
    const address = location.protocol === "file:" ? "" : location.href.split("#")[0];
    document.querySelectorAll(".printed-from:empty").forEach((line) => { line.textContent = address; });
  });
  const opened = []; // by this script, not by the reader
  addEventListener("beforeprint", () => {
    opened.push(...document.querySelectorAll("details:not([open])"));
    opened.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => opened.splice(0).forEach((part) => { part.open = false; }));

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
