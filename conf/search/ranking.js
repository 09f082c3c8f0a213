// Ranking of search results: pages by all that they say, then the sections and places of the best pages.
// Loaded with MiniSearch, the stemmer, the words of words.toml and the text of all pages, as searchindex.js.
var siteSearch = (function () {
  "use strict";

  // what counts how much: in a page, in a section, and the sections among each other
  const PAGE = { label: 30, title: 5, keywords: 5, asked: 0.5, headings: 2, question: 2.5, answer: 3, derivation: 1.5, text: 1, context: 0.5 };
  const UNIT = { title: 2, asked: 3, text: 0.6 };
  const SECTION = { "": 1.1, answer: 1.3, derivation: 1.1, marking: 0.6, further: 0.8, evidence: 0.9, explore: 0.8 };
  const PLACE = 0.35, CHECK = 0.2;
  const BM25 = { k: 1.2, b: 0.6, d: 0.3 };
  const SAME = 0.9; // another word for what was typed
  const IN_PHRASE = 0.4; // a word that stands in words.toml, which counts there
  const HINT = 0.3; // what a question word asks for
  const UNFINISHED = 0.6; // the beginning of a word
  const MISTYPED = 0.7;
  const WITHIN = { least: 0.5, most: 3, word: 0.5 }; // a section's own score beside that of its page: more with each word that is asked
  const FITS = 0.55; // the share of what was asked that a result must have, or it is only the nearest
  const LONGEST = 300, MOST = 24; // of a query: letters, words
  const NEAR = 0.5; // how alike a word must be to be offered instead
  const NEAREST = 3; // questions that are offered where nothing fits
  const WIDTH = 170; // of an excerpt, in letters

  const GREEK = { α: "alpha", β: "beta", γ: "gamma", δ: "delta", ε: "epsilon", θ: "theta", λ: "lambda", μ: "mu", π: "pi",
    σ: "sigma", τ: "tau", φ: "phi", ψ: "psi" };
  const stemmer = new EnglishStemmer();
  const stems = new Map(); // of every word met: its stem
  const starts = new Map(); // and the phrases of words.toml that start with it
  let labels, stop, besideLabel, same, patterns, pages, units, pageIndex, unitIndex, wordIndex, known, counts;

  // One spelling for all: no accents, no capitals, Greek letters by name, symbols as words.
  function plain(text) {
    return text.toLowerCase().replace(/ä/g, "ae").replace(/ö/g, "oe").replace(/ü/g, "ue").replace(/ß/g, "ss")
      .normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/['’]/g, "")
      .replace(/[α-ψ]/g, (letter) => ` ${GREEK[letter] || letter} `)
      .replace(/\bd\s*\*/g, " dstar ").replace(/\(x\)/g, " ")
      .replace(/\b([a-z])_\{?([a-z0-9]+)\b/g, "$1$2")
      .replace(/\b(?:log|ln)[\s(]*2\b/g, " log2 ");
  }

  // "2 (b)", "2b", "2.b)", "Q2b": the names of questions; "exercise 2": that of an exercise
  function label(text) {
    return text.replace(/(^|[^\w.])[q#]?([1-9])[\s.(/-]{0,3}([a-z])(?![\w.*_])\)?/g, (all, before, number, letter) =>
      labels.has(number + letter) ? `${before} q${number}${letter} ` : all)
      .replace(/\b(?:exercise|question|aufgabe|ex|task|problem)\s*\.?\s*([1-9])(?![\w.])/g, (all, number) =>
        labels.has(number) ? ` q${number} ` : all);
  }

  function stem(word) {
    if (!stems.has(word)) {
      const american = word.replace(/isation/, "ization").replace(/is(e[drs]?|ing)$/, "iz$1").replace(/our(s|ed|ing|less|able)?$/, "or$1")
        .replace(/^centre/, "center").replace(/lled$/, "led").replace(/lling$/, "ling").replace(/learnt$/, "learned");
      const ending = american.length > 4 ? american : word;
      stems.set(word, /^[a-z]{3,}$/.test(word) ? stemmer.stemWord(ending) : word);
    }
    return stems.get(word);
  }

  const WORD = /[a-z0-9]+(?:\.[0-9]+)?(?:_[a-z0-9]+)*/g;
  const MARKABLE = /(?:log|ln)\s*2\b|\b[dD]\*|\d \([a-z]\)|[\p{L}\p{N}]+(?:[_.][\p{L}\p{N}]+)*/giu;
  const split = (text) => label(plain(text)).match(WORD) || [];

  // The index terms of a text: stems, "~3" for the third line of words.toml, non-saturating also in one word.
  function terms(text) {
    const simple = plain(text), words = label(simple).match(WORD) || [], stemmed = words.map(stem);
    const found = [];
    words.forEach((word, place) => {
      if (!stop.has(word)) found.push(stemmed[place]);
      if (word.includes("_")) found.push(...word.split("_").filter((part) => part.length > 1).map(stem));
      for (const { group } of phrasesAt(stemmed, place, words)) found.push(`~${group}`);
    });
    for (const [joined] of simple.matchAll(/\b[a-z]+(?:-[a-z]+)+\b/g)) found.push(stem(joined.replaceAll("-", "")));
    return found;
  }

  // The lines of words.toml that have a phrase starting at this place.
  function phrasesAt(stemmed, place, words) {
    return starting(words[place], stemmed[place]).filter(({ phrase }) =>
      phrase.every((part, offset) => part instanceof RegExp ? part.test(words[place + offset] || "") : part === stemmed[place + offset]));
  }

  // The phrases that start with a word, found once for each word.
  function starting(word, stemmed) {
    if (!starts.has(word)) {
      starts.set(word, [...(same.get(stemmed) || []), ...patterns.filter(({ start }) => start.test(word))]);
    }
    return starts.get(word);
  }

  function prepare(lines) {
    same = new Map();
    patterns = [];
    lines.forEach((phrases, group) => {
      for (const text of phrases) {
        const phrase = plain(text).split(/[^a-z0-9.*]+/).map((word) =>
          word.endsWith("*") ? new RegExp(`^${word.slice(0, -1)}`) : stem(word));
        if (phrase[0] instanceof RegExp) patterns.push({ phrase, group, start: phrase[0] });
        else same.set(phrase[0], [...(same.get(phrase[0]) || []), { phrase, group }]);
      }
    });
  }

  function index(fields, documents) {
    const made = new MiniSearch({ fields, tokenize: (text) => text.split(" "), processTerm: (term) => term });
    made.addAll(documents);
    return made;
  }

  let data; // until it is an index, which is made when it is first needed: it takes a while

  function start(given) {
    data = given;
  }

  function ready() {
    if (data) indexAll(data);
    data = null;
  }

  function indexAll(data) {
    const set = (text) => new Set(text.match(/\S+/g));
    stop = set(data.words.stop);
    besideLabel = set(data.words.beside_a_label);
    labels = new Set(data.pages.map((page) => page.label).filter(Boolean));
    prepare(data.words.same);
    pages = data.pages;
    units = pages.flatMap(unitsOf);
    pageIndex = index(Object.keys(PAGE), pages.map(whole));
    unitIndex = index(Object.keys(UNIT), units.map((unit, id) => ({ id, ...unit.terms })));
    counts = new Map(); // of each term: in how many sections it is
    for (const { terms } of units) for (const term of new Set(Object.values(terms).join(" ").split(" "))) counts.set(term, (counts.get(term) || 0) + 1);
    known = new Set();
    wordIndex = new MiniSearch({ fields: ["word"], idField: "word", tokenize: (word) => [word], processTerm: (word) => word });
    wordIndex.addAll([...stems.keys()].map((word) => ({ word })));
    for (const term of stems.values()) known.add(term);
  }

  // The sections of a page and the places in them, with the index terms of each.
  function unitsOf(page, at) {
    return page.sections.flatMap((section) => {
      const places = section.places.map(([id, title, text]) => ({ page: at, section, id, title, text, weight: title === "Check" ? CHECK : PLACE,
        terms: { title: joined(title), asked: "", text: joined(text) } }));
      const own = { page: at, section, id: section.id, title: section.title, text: section.text, weight: SECTION[section.id] || 1,
        terms: { title: joined(section.title), asked: joined(section.asked || ""), text: joined(section.text) } };
      return [own, ...places];
    });
  }

  // A page as one document, made of its sections' terms.
  function whole(page, at) {
    const own = units.filter((unit) => unit.page === at);
    const named = (test) => own.filter(({ section }) => section.asked === undefined && test(section.id)).map((unit) => `${unit.id ? unit.terms.title : ""} ${unit.terms.text}`).join(" ");
    const exercise = page.label.length > 1 ? pages.find(({ label }) => label === page.label[0]) : null;
    return { id: at, label: page.label ? `q${page.label}` : "", title: joined(page.title), keywords: joined(page.keywords), asked: own.filter(({ section }) => section.asked !== undefined).map(({ terms }) => `${terms.title} ${terms.asked}`).join(" "),
      question: named((id) => !id), answer: named((id) => id === "answer"), derivation: named((id) => id === "derivation"),
      headings: joined(page.sections.slice(1).filter(({ asked }) => asked === undefined).map(({ title }) => title).join(" . ")), text: named((id) => id && id !== "answer" && id !== "derivation"), context: exercise ? joined(exercise.title) : "" };
  }

  const joined = (text) => terms(text).join(" ");

  // What a query asks for: index terms with their weights, and which of the query's words each of them stands for.
  function understand(query) {
    const all = split(query.slice(0, LONGEST)).slice(0, MOST);
    const labelled = all.some((word) => /^q\d/.test(word));
    const words = all.map((word, place) => met(word) ? word : corrected(word, place === all.length - 1)[0]?.word || word);
    const stemmed = words.map(stem);
    const silent = words.every((word) => stop.has(word)); // such as "mean": then this is what is asked
    const asked = words.map((word, place) => (silent || !stop.has(word)) && !(labelled && besideLabel.has(word)) && place);
    const phrases = words.flatMap((_, start) => phrasesAt(stemmed, start, words)
      .map(({ phrase, group }) => ({ group, places: phrase.map((_, offset) => start + offset) })));
    const inPhrase = new Set(phrases.flatMap(({ places }) => places));
    const wanted = { labelled, terms: new Map(), words: new Set(asked.filter((place) => place !== false)), unknown: [] };
    const add = (term, boost, places) => {
      const already = wanted.terms.get(term);
      wanted.terms.set(term, { boost: Math.max(boost, already?.boost || 0), places: [...(already?.places || []), ...places] });
    };
    for (const place of wanted.words) {
      const word = all[place];
      const certain = met(word);
      add(stemmed[place], (certain ? 1 : MISTYPED) * (inPhrase.has(place) ? IN_PHRASE : 1), [place]);
      if (word.includes("_")) for (const part of word.split("_")) add(stem(part), 0.3, [place]);
      if (!certain || place === all.length - 1) {
        const others = corrected(word, place === all.length - 1);
        for (const { word: other, likeness } of others) add(stem(other), likeness * (certain ? 0.25 : 1), [place]);
        if (!certain && !others.length) wanted.unknown.push(word);
      }
      const together = stem(words[place] + (words[place + 1] || ""));
      if (place + 1 < words.length && known.has(together)) add(together, 1, [place, place + 1]);
    }
    for (const { group, places } of phrases) {
      if (places.every((place) => !wanted.words.has(place))) add(`~${group}`, HINT, places);
      else {
        places.forEach((place) => wanted.words.add(place));
        add(`~${group}`, SAME * places.length, places);
      }
    }
    wanted.weights = new Map([...wanted.words].map((place) => [place, Math.log(1 + units.length / (1 + (counts.get(stemmed[place]) || 0)))]));
    return wanted;
  }

  // How much of what was asked these words are: rare words count more.
  function share(wanted, places) {
    const sum = (some) => some.reduce((total, place) => total + wanted.weights.get(place), 0);
    return sum([...wanted.words].filter((place) => places.has(place))) / sum([...wanted.words]);
  }

  // Whether a word occurs on the site or among the readers' words.
  function met(word) {
    return known.has(stem(word)) || stop.has(word) || besideLabel.has(word) || patterns.some(({ start }) => start.test(word));
  }

  // The words that a word may be the beginning of, be a typing error of, or be made of; the likeliest first.
  function corrected(word, unfinished) {
    if (word.length < 3 || /^\d+$/.test(word)) return [];
    let found = unfinished || word.length > 4 ? wordIndex.search(word, { prefix: true }).filter((hit) => hit.id !== word) : [];
    let weight = UNFINISHED;
    if (!found.length && word.length > 3 && !met(word)) {
      found = wordIndex.search(word, { fuzzy: word.length > 6 ? 2 : 1, maxFuzzy: 2 });
      weight = MISTYPED;
    }
    const likely = found.map((hit) => ({ word: hit.id, likeness: weight * likeness(word, hit.id) }));
    return (likely.length || met(word) ? likely : halves(word)).sort((a, b) => b.likeness - a.likeness || (a.word < b.word ? -1 : 1)).slice(0, 6);
  }

  // How alike two words are: shared letters at both ends and in between count.
  function likeness(a, b) {
    const pairs = (word) => Array.from({ length: word.length + 1 }, (_, at) => ` ${word} `.slice(at, at + 2));
    const [left, right] = [pairs(a), pairs(b)];
    return 2 * left.filter((pair) => right.includes(pair)).length / (left.length + right.length);
  }

  // "modecollapse": two known words without a space
  function halves(word) {
    for (let at = 3; at <= word.length - 3; at++) {
      const [left, right] = [word.slice(0, at), word.slice(at)];
      if (known.has(stem(left)) && known.has(stem(right))) return [left, right].map((half) => ({ word: half, likeness: 1 }));
    }
    return [];
  }

  // The documents that match, by number: how well, and with which terms.
  function matches(made, wanted, boost) {
    const options = { tokenize: (text) => text.split(" "), processTerm: (term) => term, combineWith: "OR", boost, bm25: BM25,
      boostTerm: (term) => wanted.terms.get(term).boost };
    const found = new Map();
    for (const hit of made.search([...wanted.terms.keys()].join(" "), options)) {
      const covered = new Set(hit.queryTerms.flatMap((term) => wanted.terms.get(term).places));
      const part = share(wanted, covered);
      found.set(hit.id, { score: hit.score * part * part, part });
    }
    return found;
  }

  // The best results first: {url, page, section, excerpt}, and whether they fit; where there is none, the words on the site that come
  // nearest.
  function search(query, limit, perPage) {
    ready();
    const wanted = understand(query);
    if (!wanted.words.size) return { results: [], nearest: [], fits: true };
    const ofPages = matches(pageIndex, wanted, PAGE), ofUnits = matches(unitIndex, wanted, UNIT);
    for (const [at, hit] of ofPages) hit.score *= pages[at].weight;
    const exact = new Set(query.split(/\s+/).filter((word) => /[a-z][-_.A-Z][A-Za-z]/.test(word))
      .flatMap((word) => [word, `claim-${word}`, `equation-${word}`, `.${word.split(".").pop().replace("()", "")}`]));
    const best = Math.max(...[...ofPages.values()].map((hit) => hit.score), 1e-9);
    const scored = units.map((unit, at) => {
      const own = (ofUnits.get(at)?.score || 0) * unit.weight;
      return { unit, own, part: ofUnits.get(at)?.part || 0, page: (ofPages.get(unit.page)?.score || 0) / best, exact: exact.has(unit.id) || exact.has(`.${unit.id.split(".").pop()}`) };
    }).filter(({ unit, own, page, exact: is }) => is || page && (own || !unit.id));
    const most = Math.max(...scored.map(({ own }) => own), 1e-9);
    const within = Math.min(Math.max(WITHIN.least, WITHIN.word * (wanted.words.size - 1)), WITHIN.most);
    for (const entry of scored) entry.score = entry.page + within * entry.own / most + (entry.exact ? 10 : 0);
    scored.sort((a, b) => b.score - a.score);
    const shown = new Map();
    // where even the best place has few of the words, the site does not answer: then only the nearest questions
    const fits = scored.length > 0 && (scored[0].exact || wanted.labelled || scored[0].part >= FITS);
    const results = scored.filter(({ unit }) => {
      shown.set(unit.page, (shown.get(unit.page) || 0) + 1);
      return fits ? shown.get(unit.page) <= perPage : unit.section.asked;
    }).slice(0, fits ? limit : NEAREST);
    return { results: results.map(({ unit }) => result(unit, wanted)), nearest: results.length ? [] : nearest(wanted), fits };
  }

  function result(unit, wanted) {
    const page = pages[unit.page];
    return { url: page.url + (unit.id && `#${unit.id}`), page: unit.id ? page.title.split(": ")[0] : page.title, section: unit.id ? unit.title : "",
      excerpt: excerpt(unit.text || unit.section.text, wanted) };
  }

  function nearest(wanted) {
    return [...new Set(wanted.unknown.flatMap((word) => wordIndex.search(word, { fuzzy: 0.4, prefix: true }).map((hit) => hit.id)
      .filter((other) => likeness(word, other) > NEAR).slice(0, 2)))].slice(0, 4);
  }

  // The piece of a text that has most of the query's words, as [text, marked] pairs.
  function excerpt(text, wanted) {
    const words = [...text.matchAll(MARKABLE)].map((match) => ({ at: match.index, end: match.index + match[0].length,
      word: (label(plain(match[0])).match(WORD) || [""])[0] }));
    const plainWords = words.map(({ word }) => word), stemmed = plainWords.map(stem);
    words.forEach((entry, place) => {
      if (wanted.terms.has(stemmed[place])) entry.mark = stemmed[place];
      for (const { phrase, group } of phrasesAt(stemmed, place, plainWords)) {
        if (wanted.terms.has(`~${group}`)) phrase.forEach((_, offset) => { words[place + offset].mark = `~${group}`; });
      }
    });
    const marked = words.filter((entry) => entry.mark);
    const inside = (start) => marked.filter(({ at, end }) => at >= start && end <= start + WIDTH);
    // rows of a table read badly
    const rows = (start) => (text.slice(start, start + WIDTH).match(/ – /g) || []).length;
    const worth = (start) => new Set(inside(start).map(({ mark }) => mark)).size + inside(start).length / 100 - Math.min(rows(start), 6) / 8;
    const middle = marked.reduce((best, entry) => worth(entry.at) > worth(best) ? entry.at : best, marked[0]?.at || 0);
    const start = middle < WIDTH / 3 ? 0 : text.lastIndexOf(" ", middle - 40) + 1;
    const end = text.length <= start + WIDTH + 40 ? text.length : text.lastIndexOf(" ", start + WIDTH + 40);
    const pieces = [[start ? "… " : "", false]];
    let at = start;
    for (const entry of marked.filter((one) => one.at >= start && one.end <= end)) {
      pieces.push([text.slice(at, entry.at), false], [text.slice(entry.at, entry.end), true]);
      at = entry.end;
    }
    pieces.push([text.slice(at, end) + (end < text.length ? " …" : ""), false]);
    return pieces.filter(([piece]) => piece);
  }

  return { start, ready, search };
})();
