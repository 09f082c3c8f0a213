// What is copied from a page: its formulas as TeX, between dollars, instead of their letters in a row, twice.
(function () {
  "use strict";

  function tex(formula) {
    const sign = formula.closest(".display") ? "$$" : "$";
    return sign + formula.querySelector("annotation").textContent + sign;
  }

  // the selection, whole formulas where it ends within one
  function selected(selection) {
    const part = document.createElement("div");
    for (let at = 0; at < selection.rangeCount; at++) {
      const range = selection.getRangeAt(at).cloneRange();
      const within = (node) => (node.closest ? node : node.parentElement).closest(".katex");
      const [first, last] = [within(range.startContainer), within(range.endContainer)];
      if (first) range.setStartBefore(first);
      if (last) range.setEndAfter(last);
      part.append(range.cloneContents());
    }
    return part;
  }

  document.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (event.defaultPrevented || selection.isCollapsed || event.target.closest?.("input, textarea")) return;
    const part = selected(selection);
    const formulas = part.querySelectorAll(".katex");
    if (!formulas.length) return;
    formulas.forEach((formula) => (formula.closest(".katex-display") || formula).replaceWith(tex(formula)));
    part.querySelectorAll("button, .headerlink, .copy-link:not(.eqno *)").forEach((mark) => mark.remove());
    // what does not show is not copied; lines are broken as on the page
    document.querySelector("article").append(part);
    part.querySelectorAll("*").forEach((element) => element.checkVisibility() || element.remove());
    const text = part.innerText;
    part.remove();
    part.querySelectorAll("a[href], img[src]").forEach((element) => { // the way from here is none from elsewhere
      const name = element.href ? "href" : "src";
      element.setAttribute(name, element[name]);
    });
    event.clipboardData.setData("text/plain", text);
    event.clipboardData.setData("text/html", part.innerHTML);
    event.preventDefault();
  });
})();
