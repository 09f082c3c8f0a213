// Search: the dialog (Ctrl+K, every search button) and the page search.html. What all pages say is loaded when the page
// has been shown, so that it is there without the network, and made an index when it is first needed.
(function () {
  "use strict";

  const dialog = document.getElementById("search-dialog");
  if (!dialog || !dialog.showModal) return;
  const PAUSE = 60; // ms of silence before a search: typing on does not wait for results
  const pattern = document.getElementById("search-result");
  const address = new URL(dialog.dataset.index, location.href).href;
  const root = address.replace(/searchindex\.js.*$/, "");
  let index; // loading or loaded

  // The index as a classic script: fetch does not read from disk.
  function load() {
    index = index || new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = () => resolve(window.siteSearch);
      script.onerror = () => { index = undefined; script.remove(); reject(); };
      document.head.append(script);
    });
    return index;
  }

  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 200));
  addEventListener("load", () => {
    if (location.protocol !== "file:") idle(() => load().catch(() => {})); // from disk it is there already
  });

  function item(found) {
    const line = pattern.content.cloneNode(true);
    line.querySelector("a").href = root + found.url;
    line.querySelector("b").textContent = found.page;
    line.querySelector(".search-section").textContent = found.section && `› ${found.section}`;
    line.querySelector(".search-excerpt").replaceChildren(...found.excerpt.map(([text, marked]) => {
      if (!marked) return text;
      const mark = document.createElement("mark");
      mark.textContent = text;
      return mark;
    }));
    return line;
  }

  // Ties a field to a list of results: searches while one types, and says what was found.
  function connect(box, list, most, perPage, done) {
    const field = box.querySelector("input");
    const status = box.parentElement.querySelector(".search-status");
    let timer = 0, asked = 0;

    function show(query, found) {
      const { results, nearest, fits } = found;
      list.replaceChildren(...results.map(item));
      const count = results.length === 1 ? "1 result" : `${results.length} results`;
      status.replaceChildren(!query ? "" : !results.length ? "Nothing found." : fits ? count : "Nothing here seems to be about this. The nearest questions:");
      if (query && !results.length && nearest.length) {
        status.append(" Did you mean ", ...nearest.flatMap((word, at) => [at ? ", " : "", suggestion(word)]), "?");
      }
      done(query, results);
    }

    function suggestion(word) {
      const link = document.createElement("a");
      link.href = `${root}search.html?q=${encodeURIComponent(word)}`;
      link.textContent = word;
      return link;
    }

    async function search() {
      clearTimeout(timer);
      const query = field.value.trim(), turn = ++asked;
      if (!query) return show("", { results: [], nearest: [], fits: true });
      try {
        const engine = await load();
        if (turn === asked) show(query, engine.search(query, most, perPage));
      } catch {
        status.textContent = "The search index could not be loaded. Try again, or look at the list of questions.";
      }
    }

    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, PAUSE); });
    return { field, search };
  }

  function links() {
    return [...dialog.querySelectorAll(".search-results a")];
  }

  const all = dialog.querySelector(".search-all");
  const inDialog = connect(dialog.querySelector("form"), dialog.querySelector(".search-results"), 12, 3, (query, results) => {
    all.href = `${root}search.html?q=${encodeURIComponent(query)}`;
    all.hidden = !results.length;
    dialog.scrollTop = 0;
  });

  function open() {
    if (dialog.open) return;
    load().then((engine) => setTimeout(engine.ready)).catch(() => {}); // once the dialog is seen
    dialog.showModal();
    inDialog.field.select();
  }

  // arrow keys go through the results and back to the field; Escape closes, and does not only empty the field
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) {
      event.preventDefault();
      dialog.close();
    }
    if (event.isComposing || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    const stops = [inDialog.field, ...links()];
    const at = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    stops[Math.max(0, Math.min(at, stops.length - 1))].focus();
  });
  // Enter in the field opens the first result, also when the last letters have not been searched yet
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    await inDialog.search();
    links()[0]?.click();
  });
  dialog.querySelector(".search-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    // beside the dialog, or on a link, which may lead to a place on this very page
    if (event.target === dialog || event.target.closest("a")) dialog.close();
  });

  // links to the search page, for readers without JavaScript and for new tabs
  for (const button of document.querySelectorAll(".search-button__button")) {
    button.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      open();
    });
  }
  // K is the key with that letter or, where the layout has other letters than Latin ones, the key at its place; what fills
  // in forms sends events without a key
  addEventListener("keydown", (event) => {
    const letter = (event.key || "").toLowerCase();
    const k = letter === "k" || (event.code === "KeyK" && !/^[a-z]$/.test(letter));
    if (!k || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });

  const form = document.getElementById("search-form");
  if (!form) return;
  const title = document.title;
  const onPage = connect(form, document.getElementById("search-results"), 40, 6, (query) => {
    document.title = query ? `${query.slice(0, 60)} - ${title}` : title;
    try {
      history.replaceState(null, "", query ? `?q=${encodeURIComponent(query)}` : location.pathname);
    } catch { /* some browsers forbid it on pages from disk */ }
  });
  onPage.field.value = new URLSearchParams(location.search).get("q") || "";
  form.addEventListener("submit", (event) => { event.preventDefault(); onPage.search(); });
  onPage.search();
  onPage.field.focus();
})();
