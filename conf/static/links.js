// Links: a link from elsewhere shows its place unfolded and in view; a mark at each place copies a link to it.
(function () {
  "use strict";

  // ---- following a link -------------------------------------------------------------------------------------------

  const SETTLED = 3000; // milliseconds in which late figures, and text laid out only now, may still move the place
  const [arrival] = performance.getEntriesByType("navigation");
  const store = `place ${location.pathname}`;
  // where a reader can be; nothing that is made later, or lies within what is laid out later
  const blocks = [...document.querySelectorAll("article :is(h1, h2, h3, p, li, figure, details, .cell, .cell_input, .cell_output, .display, .pst-scrollable-table-container)")];
  const folds = [...document.querySelectorAll("article details")];
  const SEEN = "seen"; // the state of an entry of the browser's history that has been followed
  const READ = 80; // pixels from the window's top: what is read starts above them
  let watch = null; // ends the watch over the place that was followed last

  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return text; } // a bad escape: take it as it is
  }

  function target() {
    // what stands behind a "?" is an interactive figure's state: its place is the task in front of it; what stands
    // behind ":~:" is the browser's own
    const [name, state = ""] = decoded(location.hash.slice(1).split(":~:")[0]).split("?");
    const place = name && document.getElementById(name);
    const figures = place ? [...place.querySelectorAll("[data-explorable]")] : [];
    const figure = figures.find(({ dataset }) => state.startsWith(`${dataset.explorable}=`));
    return figure ? figure.previousElementSibling : place;
  }

  function unfold(place) {
    // a link to a section that is folded as a whole means what is in it
    const [whole, ...more] = place.matches("section") ? place.querySelectorAll(":scope > :not(h1, h2, h3, span)") : [];
    if (whole instanceof HTMLDetailsElement && !more.length) whole.open = true;
    for (let part = place; part; part = part.parentElement) {
      if (part instanceof HTMLDetailsElement) part.open = true;
    }
  }

  // what is shown stays so while the page settles, unless the reader does something
  function hold(show) {
    const signs = ["wheel", "touchmove", "pointerdown", "keydown"];
    const layout = new ResizeObserver(show);
    const timer = setTimeout(end, SETTLED);
    function end() {
      layout.disconnect();
      clearTimeout(timer);
      removeEventListener("load", show);
      signs.forEach((sign) => removeEventListener(sign, end));
    }
    addEventListener("load", show);
    signs.forEach((sign) => addEventListener(sign, end, { passive: true }));
    layout.observe(document.querySelector("article") || document.body);
    return end;
  }

  function follow() {
    // some mail programs and chats encode a figure's state, which the figure reads as it stands
    if (/%3f/i.test(location.hash)) history.replaceState(history.state, "", decoded(location.hash));
    if (watch) watch();
    const place = target();
    if (!place) return;
    unfold(place);
    const now = () => [scrollY, place.getBoundingClientRect().top];
    let shown;
    const show = () => {
      // scrolled otherwise: with the bar, or by the browser, which looks for words that the link names
      if (shown && now().every((value, i) => Math.abs(value - shown[i]) > 1)) return watch();
      place.scrollIntoView({ behavior: "instant" });
      shown = now();
    };
    show();
    watch = hold(show);
  }

  // Where the reader was, and what she had unfolded, when she comes back or loads the page again. The browser knows only
  // how far from the top that is, and what lies above may be laid out or unfolded no more.
  function leave() {
    const top = (block) => block.getBoundingClientRect().top;
    const at = blocks.findLastIndex((block) => block.checkVisibility() && top(block) < READ);
    const open = folds.map((fold) => Number(fold.open)).join("");
    try { sessionStorage.setItem(store, at < 0 ? "" : `${at} ${top(blocks[at])} ${open}`); } catch { /* no store: as the browser does */ }
  }

  function comeBack() {
    let said = "";
    try { said = sessionStorage.getItem(store) || ""; } catch { /* no store */ }
    const [at, top, open] = said.split(" "), block = said && blocks[at];
    if (!block) return;
    folds.forEach((fold, i) => { fold.open = open[i] === "1"; });
    history.scrollRestoration = "manual"; // this once
    addEventListener("load", () => setTimeout(() => { history.scrollRestoration = "auto"; }));
    const show = () => scrollBy({ top: block.getBoundingClientRect().top - top, behavior: "instant" });
    show();
    watch = hold(show);
  }

  addEventListener("hashchange", () => {
    if (history.state === SEEN) return; // back or forward on this page: the browser knows where she was
    follow();
    history.replaceState(SEEN, "");
  });
  if (!arrival?.name.includes(":~:")) history.replaceState(SEEN, ""); // which would take the words from the address
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); }); // a phone may end it there
  if (arrival && arrival.type !== "navigate") comeBack();
  else if (arrival?.name.includes(":~:")) unfold(target() || document.body); // the browser looks for the words
  else if (location.hash) follow();

  // ---- copying a link ---------------------------------------------------------------------------------------------

  const CHAIN = '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true" focusable="false">'
    + '<path d="M10 14a4.5 4.5 0 0 0 6.4 0l3.2-3.2a4.5 4.5 0 0 0-6.4-6.4l-1.4 1.4"/><path d="M14 10a4.5 4.5 0 0 0-6.4 0l-3.2 3.2a4.5 4.5 0 0 0 6.4 6.4l1.4-1.4"/></svg>';
  const article = document.querySelector("article.bd-article");
  const head = (selector, attribute) => document.head.querySelector(selector)?.getAttribute(attribute) || "";
  const pageName = head('meta[name="page-name"]', "content");
  if (!article || !pageName) return;

  // from disk the address on the web is worth more, where it is known
  const canonical = head('link[rel="canonical"]', "href");
  const base = location.protocol === "file:" && canonical ? canonical : location.href;

  function pageAddress() {
    const address = new URL(head('link[rel="shortlink"]', "href") || "", base);
    address.hash = address.search = "";
    return address;
  }

  function words(element) {
    const copy = element.cloneNode(true);
    copy.querySelectorAll(".headerlink, .copy-link, .katex-mathml, .caption-number").forEach((part) => part.remove());
    return copy.textContent.replace(/\s+/g, " ").trim();
  }

  const escaped = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);

  // what is copied: for editors with formatting a named link; for the others, and fields for addresses, the address alone
  function formats(name, address) {
    return { "text/html": `<a href="${escaped(address)}">${escaped(name)}</a>`, "text/plain": address };
  }

  // navigator.clipboard is missing on plain http and in some browsers from disk: there the copy event does it
  function copyByEvent(data) {
    let filled = false;
    function fill(event) {
      for (const [type, text] of Object.entries(data)) event.clipboardData.setData(type, text);
      event.preventDefault();
      filled = true;
    }
    const selection = getSelection();
    const before = selection.rangeCount ? selection.getRangeAt(0) : null;
    selection.selectAllChildren(article.querySelector("h1")); // Safari copies nothing where nothing is selected
    document.addEventListener("copy", fill);
    const allowed = document.execCommand("copy");
    document.removeEventListener("copy", fill);
    selection.removeAllRanges();
    if (before) selection.addRange(before);
    return allowed && filled;
  }

  async function copy(data) {
    try {
      const blobs = Object.entries(data).map(([type, text]) => [type, new Blob([text], { type })]);
      await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
      return true;
    } catch {
      return copyByEvent(data);
    }
  }

  const note = document.createElement("div");
  note.className = "copied-note";
  note.setAttribute("role", "status");
  article.append(note);
  let silence = 0;

  function say(text, milliseconds) {
    clearTimeout(silence);
    note.textContent = text;
    silence = setTimeout(() => { note.textContent = ""; }, milliseconds);
  }

  // a link to the place, which a press copies: in a new tab, or by the browser's own menu, it is what it is
  function copyLink(label, name, address, text) {
    const made = document.createElement("a");
    made.href = address;
    made.className = "copy-link";
    made.title = `Copy link to ${label}`;
    made.setAttribute("aria-label", made.title);
    if (text) made.textContent = text;
    else made.innerHTML = CHAIN;
    made.addEventListener("click", async (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      const done = await copy(formats(name, made.href));
      say(done ? `Copied: ${name}` : `Not copied: this browser does not allow it. The link is ${address}`, done ? 2500 : 20000);
      made.classList.toggle("copied", done);
      setTimeout(() => made.classList.remove("copied"), 2500);
    });
    return made;
  }

  // what the theme's "#" belongs to: a heading, a formula's number, a figure
  function label(mark) {
    const owner = mark.closest("h1, h2, h3, h4, .eqno, figcaption");
    if (!owner) return "";
    if (owner.matches("h1")) return pageName;
    if (owner.matches(".eqno")) return `Equation ${words(owner)}`;
    if (owner.matches("figcaption")) return `Figure: ${words(owner.querySelector("strong") || owner).replace(/\.$/, "")}`;
    return words(owner);
  }

  for (const mark of article.querySelectorAll("a.headerlink")) {
    const what = label(mark);
    if (!what) continue;
    const address = pageAddress();
    const whole = what === pageName;
    if (!whole) address.hash = mark.hash;
    const number = mark.closest(".eqno");
    const made = copyLink(what, whole ? pageName : `${pageName} — ${what}`, address, number && words(number));
    const heading = mark.closest("h1, h2, h3, h4");
    // a heading is called by its words, without the mark's
    if (heading && !heading.querySelector(".math")) heading.setAttribute("aria-label", words(heading));
    if (number) number.replaceChildren(made);
    else mark.replaceWith(made);
  }

  // a question that is folded: below its answer
  for (const fold of article.querySelectorAll("details.asked[id]")) {
    const address = Object.assign(pageAddress(), { hash: fold.id });
    const what = words(fold.querySelector(".sd-summary-text"));
    fold.querySelector(".sd-summary-content").append(copyLink(what, `${pageName} — ${what}`, address, "Copy link"));
  }

  const root = document.documentElement.dataset.content_root || "./";
  for (const link of article.querySelectorAll("a[data-copy]")) {
    const address = new URL(root + link.dataset.copy, base);
    link.parentElement.append(copyLink(link.dataset.name, link.dataset.name, address));
  }
})();
