// The frame of the page: colours, menus, the mark in the list of sections, boxes that scroll.
(function () {
  "use strict";
  const root = document.documentElement;

  // colours: as the system, then the other ones, then the system's fixed, and round again
  const modes = { auto: ["icon-auto", "as the system"], light: ["icon-light", "light"], dark: ["icon-dark", "dark"] };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.querySelector(".theme-button");

  function show(mode) {
    root.dataset.mode = mode;
    root.dataset.theme = mode !== "auto" ? mode : dark.matches ? "dark" : "light";
    button.className = `bar-button theme-button ${modes[mode][0]}`;
    button.title = `Colours: ${modes[mode][1]}`;
    button.setAttribute("aria-label", button.title);
  }

  button.addEventListener("click", () => {
    const order = dark.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
    const next = order[(order.indexOf(root.dataset.mode) + 1) % order.length];
    show(next);
    try { localStorage.setItem("mode", next); } catch { /* a reader who forbids storage chooses anew on every page */ }
  });
  dark.addEventListener("change", () => show(root.dataset.mode));
  show(root.dataset.mode);

  // menus: the browser opens them on a phone (popovers); on a wide window the list of pages folds away
  const wide = matchMedia("(min-width: 992px)");
  document.querySelector(".primary-toggle").addEventListener("click", (event) => {
    if (!wide.matches) return;
    event.preventDefault();
    root.classList.toggle("nav-folded");
  });
  for (const menu of document.querySelectorAll("[popover]")) {
    menu.addEventListener("click", (event) => {
      if (event.target.closest("a") && menu.matches(":popover-open")) menu.hidePopover();
    });
  }

  // the section being read
  const links = new Map();
  for (const link of document.querySelectorAll("#page-nav a[href^='#']")) {
    const section = document.getElementById(link.hash.slice(1));
    if (section) links.set(section.querySelector("h1, h2, h3") || section, link);
  }
  const seen = new IntersectionObserver((entries) => {
    const entry = entries.findLast((one) => one.isIntersecting);
    if (!entry) return;
    for (const link of links.values()) link.removeAttribute("aria-current");
    links.get(entry.target).setAttribute("aria-current", "true");
  }, { rootMargin: "0px 0px -70% 0px" });
  links.forEach((link, heading) => seen.observe(heading));

  // a box that scrolls can be reached and scrolled by keyboard: each may, until it comes near and is asked whether it
  // scrolls, because asking costs a layout; a formula within a line becomes such a box where a part of it that cannot
  // break is wider than the text
  function tooWide(formula) {
    let block = formula.parentElement;
    while (getComputedStyle(block).display === "inline") block = block.parentElement;
    const { right } = block.getBoundingClientRect();
    return [...formula.querySelectorAll(".katex-base")].some((part) => part.getBoundingClientRect().right > right + 1);
  }
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      if (target.matches("span.math")) target.classList.toggle("wide", target.classList.contains("wide") || tooWide(target));
      if (target.scrollWidth > target.clientWidth + 1 && !target.matches("span.math:not(.wide)")) target.tabIndex = 0;
      else if (target !== document.activeElement) target.removeAttribute("tabindex"); // reached already: it keeps the focus
    }
  }, { rootMargin: "100%" });
  const boxes = document.querySelectorAll(".bd-article :is(pre, .formula, .pst-scrollable-table-container, span.math)");
  boxes.forEach((box) => { if (!box.matches("span.math")) box.tabIndex = 0; near.observe(box); });
  addEventListener("resize", () => boxes.forEach((box) => { box.classList.remove("wide"); near.unobserve(box); near.observe(box); }));

  // after the page has been shown: figures further down, so that they are there also without the network
  addEventListener("load", () => {
    const idle = window.requestIdleCallback || ((work) => setTimeout(work, 200));
    idle(() => document.querySelectorAll("img[loading=lazy]").forEach((image) => { image.loading = "eager"; }));
  });
})();
