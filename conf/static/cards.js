// Cards: what a number, an equation's number or a citation leads to, shown beside the link and without a jump, by hover,
// keyboard focus or tap; Enter and a click follow the link as ever. And the answer, over the page, by the bar's link.
(function () {
  "use strict";
  const article = document.querySelector("article.bd-article");
  if (!article || !("popover" in article)) return; // an older browser: the links lead there
  const LINKS = "a.claim, .bibtex-citation a, a[href*='#equation-']";
  const WAIT = { open: 150, close: 300 }; // milliseconds: a pointer that only passes, or is on its way into the card
  const templates = new Map([...article.querySelectorAll("template[data-card]")].map((one) => [one.dataset.card, one]));

  // closed by Escape, a click elsewhere or a phone's way back: what the browser does with "auto"
  const card = Object.assign(document.createElement("div"), { id: "link-card", popover: "auto", tabIndex: -1 });
  card.setAttribute("role", "dialog");
  document.body.append(card);
  let owner = null; // the link whose card is open
  let timer = 0;

  function copied(element) {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("button, .headerlink, .copy-link, template, .cell > details, details.claims").forEach((part) => part.remove());
    copy.querySelectorAll("[id]").forEach((part) => part.removeAttribute("id"));
    return copy;
  }

  // what the link leads to: from another page as it came with this one, from this page a copy
  function contents(link) {
    const href = link.getAttribute("href");
    let found = templates.has(href) ? templates.get(href).content : null;
    if (!found && href.startsWith("#")) {
      const place = document.getElementById(decodeURIComponent(href.slice(1)));
      if (place && place.matches("ul.claims li")) found = place;
      if (place && place.matches("div.math.display")) found = place.querySelector(".formula");
    }
    if (!found) return null;
    const parts = [...copied(found).childNodes];
    if (link.matches("a.claim")) parts.splice(0, 1, ...parts[0].childNodes); // the check itself leads on to the ledger
    const text = document.createElement("p");
    text.append(...parts);
    return text;
  }

  function names(link) {
    if (link.matches("a.claim")) return ["Check", "Show the check"];
    if (link.matches(".bibtex-citation a")) return ["Reference", "Show it in the list of literature"];
    return [`Equation ${link.textContent}`, `Show equation ${link.textContent}`];
  }

  // the same link, by its words; whoever has a keyboard has it already: Enter
  function onward(link, words) {
    const line = Object.assign(document.createElement("p"), { className: "more" });
    const copy = Object.assign(document.createElement("a"), { href: link.getAttribute("href"), textContent: words, tabIndex: -1 });
    line.append(copy);
    return line;
  }

  function beside(link) {
    const [first] = link.getClientRects();
    const { top, bottom } = link.getBoundingClientRect();
    const room = innerHeight - bottom;
    const above = room < card.offsetHeight + 8 && top > room;
    const left = Math.min(first.left, document.documentElement.clientWidth - card.offsetWidth - 8);
    card.style.left = `${Math.max(8, left) + scrollX}px`;
    card.style.top = `${scrollY + (above ? top - card.offsetHeight - 4 : bottom + 4)}px`;
  }

  function show(link, name, parts, sheet) {
    close();
    card.replaceChildren(...parts);
    card.className = sheet ? "link-card sheet bd-article" : "link-card";
    card.setAttribute("aria-label", name);
    card.style.left = card.style.top = "";
    card.showPopover({ source: link });
    owner = link;
  }

  function open(link) {
    clearTimeout(timer);
    if (owner === link) return true;
    const text = contents(link);
    if (!text) return false;
    const [name, more] = names(link);
    show(link, name, [text, onward(link, more)]);
    link.setAttribute("aria-describedby", card.id);
    beside(link);
    return true;
  }

  function close() {
    clearTimeout(timer);
    if (card.matches(":popover-open")) card.hidePopover();
  }

  card.addEventListener("beforetoggle", ({ newState }) => {
    if (newState === "open" || !owner) return;
    owner.removeAttribute("aria-describedby");
    owner = null;
  });

  function leave({ pointerType }) {
    if (pointerType === "touch") return; // the finger goes, the card stays
    clearTimeout(timer);
    timer = setTimeout(() => {
      const held = card.matches(".sheet, :hover, :focus-within") || (owner && owner.matches(":hover, :focus-visible"));
      if (!held) close();
    }, WAIT.close);
  }

  const linkAt = ({ target }) => target instanceof Element && target.closest(LINKS);
  let touched = false;

  article.addEventListener("pointerover", (event) => {
    const link = linkAt(event);
    if (!link || event.pointerType === "touch" || link.contains(event.relatedTarget)) return;
    clearTimeout(timer);
    timer = setTimeout(open, WAIT.open, link);
  });
  article.addEventListener("pointerout", (event) => { if (linkAt(event)) leave(event); });
  card.addEventListener("pointerenter", () => clearTimeout(timer));
  card.addEventListener("pointerleave", leave);
  card.addEventListener("focusout", leave);
  article.addEventListener("focusin", (event) => {
    const link = linkAt(event);
    if (link && link.matches(":focus-visible")) open(link);
  });
  article.addEventListener("focusout", (event) => { if (linkAt(event)) leave(event); });
  addEventListener("pointerdown", (event) => { touched = event.pointerType === "touch"; }, true);
  article.addEventListener("click", (event) => {
    const link = linkAt(event);
    if (link && touched && event.detail && open(link)) event.preventDefault(); // the card holds the link
  });
  addEventListener("hashchange", close);
  card.addEventListener("click", (event) => { if (event.target.closest("a")) close(); });

  // ---- the answer over the page -----------------------------------------------------------------------------------
  const answer = document.querySelector(".bar-answer");
  const section = document.getElementById("answer");
  if (!answer || !section) return;
  answer.setAttribute("aria-haspopup", "dialog");
  answer.addEventListener("click", (event) => {
    event.preventDefault();
    if (owner === answer) return close();
    const copy = copied(section);
    const shut = Object.assign(document.createElement("button"), { type: "button", textContent: "Close", onclick: close });
    copy.firstElementChild.append(shut);
    show(answer, "Answer", copy.childNodes, true);
    card.scrollTop = 0;
    card.focus();
  });
})();
