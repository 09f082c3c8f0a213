// The frame of the page: colours, menus, the mark in the list of sections, boxes that scroll.
(function () {
  "use strict";
  const root = document.documentElement;
  const LONG = 12; // entries in the list of sections

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

  // the section being read begins with the last heading above the line below the bar; at the page's end, where the last
  // sections cannot reach that line, it is the one that a link led to. The bar says it too, once the title is out of sight
  const bar = document.querySelector(".site-bar");
  const title = document.querySelector(".bd-article h1");
  const list = document.getElementById("page-nav");
  const links = new Map();
  for (const link of list ? list.querySelectorAll("a[href^='#']") : []) {
    const section = document.getElementById(link.hash.slice(1));
    if (section) links.set(section.querySelector("h1, h2, h3") || section, link);
  }
  const headings = [...links.keys()];
  if (links.size > LONG) list.classList.add("long"); // parts of sections show only while their section is read
  let current = null;
  let asked = 0;

  function mark(link) {
    if (link === current) return;
    list.querySelectorAll(".reading").forEach((entry) => entry.classList.remove("reading"));
    if (current) current.removeAttribute("aria-current");
    current = link;
    let words = "";
    if (link) {
      link.setAttribute("aria-current", "true");
      for (let entry = link.closest("li"); entry; entry = entry.parentElement.closest("li")) {
        entry.classList.add("reading");
        words = entry.querySelector("a").textContent;
      }
      const below = link.offsetTop + link.offsetHeight - list.clientHeight;
      if (list.scrollTop < below || list.scrollTop > link.offsetTop) list.scrollTop = below;
    }
    const section = document.querySelector(".bar-section");
    if (section) section.textContent = words;
  }

  function read() {
    asked = 0;
    const line = bar.offsetHeight + 44; // a link brings its heading to just above it
    root.classList.toggle("scrolled", Boolean(title) && title.getBoundingClientRect().bottom < bar.offsetHeight);
    const tops = headings.map((heading) => heading.checkVisibility() ? heading.getBoundingClientRect().top : Infinity);
    let at = tops.findLastIndex((top) => top <= line);
    if (scrollY && scrollY + innerHeight >= root.scrollHeight - 2) { // the last headings never come up to the line
      const led = headings.findIndex((heading) => links.get(heading).hash === location.hash);
      if (!(tops[led] > 0 && tops[led] < innerHeight)) at = tops.findLastIndex((top) => top < innerHeight);
      else if (led > at) at = led;
    }
    mark(links.get(headings[at]) || null);
  }

  const ask = () => { asked ||= requestAnimationFrame(read); };
  for (const event of ["scroll", "resize", "load", "hashchange"]) addEventListener(event, ask, { passive: true });
  document.addEventListener("toggle", ask, true); // what opens moves what follows
  ask();

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
