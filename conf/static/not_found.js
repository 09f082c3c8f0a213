// The page for addresses that lead nowhere: says which page was probably meant.
(function () {
  "use strict";

  const COMMON = ["all", "and", "for", "not", "the", "why"]; // words that say nothing of what was meant

  // "/sheet-2/2A", "/question_2(b)", "/exercise-3": the question's number, wherever it stands
  function number(path) {
    const question = path.match(/(?:^|[^0-9])([1-9])[ ._(-]*([a-d])(?![a-z])/);
    if (question) return question[1] + question[2];
    const exercise = path.match(/(?:^|[^0-9])([1-9])(?![0-9])/);
    return exercise ? exercise[1] : "";
  }

  // how many words of the address stand in the page's name or in its file's
  function shared(path, link) {
    const known = (link.textContent + " " + link.pathname.split("/").pop()).toLowerCase().replace(/\.html$/, "");
    const words = path.replace(/\.html?$/, "").split(/[^a-z]+/).filter((word) => word.length > 2 && !COMMON.includes(word));
    const names = known.split(/[^a-z]+/).filter((name) => name.length > 3);
    const inside = (word) => word.length > 3 && (known.includes(word) || names.some((name) => word.includes(name)));
    return words.filter((word) => known.split(/[^a-z]+/).includes(word) || inside(word)).length;
  }

  function guess(path, links) {
    const short = number(path);
    const byNumber = links.find((link) => short && link.dataset.short === short);
    if (byNumber) return byNumber;
    const ranked = links.map((link) => [shared(path, link), link]).sort((a, b) => b[0] - a[0]);
    return ranked[0][0] > 0 ? ranked[0][1] : null;
  }

  const place = document.getElementById("guess");
  let path = location.pathname;
  try { path = decodeURIComponent(path); } catch { /* a bad escape: take it as it is */ }
  // the folder of the sheet has a number, too
  const root = new URL(".", new URL(place.dataset.root, location.href)).pathname;
  path = path.replace(root, "/").toLowerCase().replace(/\/sheet-?\d+(?=\/)/, "");
  const found = guess(path, [...document.querySelectorAll("ul.found a")]);
  if (!found) return;
  const link = document.createElement("a");
  link.href = found.href + location.hash;
  link.textContent = found.textContent;
  place.append("Did you mean ", link, "?");
})();
