/* The GAN laboratory: a GAN of genmodels.gan, trained while the reader watches and changes its rules.

   Shares r_k of 512 samples by the nearest mode, modes in use exp(-sum_k r_k log r_k), as genmodels.measures.metrics has them. */
// needs: laboratory engine game
Explorables.define("gan", (figure) => {
  const rooms = [Engine.room(), Engine.room()]; // for the game that is shown, and for those of "Try 16 seeds"
  if (!rooms[0]) {
    return () => "The networks of this figure learn in WebAssembly, which this browser does not have. The still picture shows one run.";
  }
  const SIDE = 24; // points of D's map in a row
  const REACH = 1.8;
  const SAMPLES = 512;
  const COLUMNS = 160; // pictures over time at most; then every second is forgotten
  const SEEDS = 16;
  const [SLICE, LIMIT] = [12, 40]; // ms of learning before the screen is drawn again, while playing and while trying seeds
  const PARTNERS = 4; // real samples with which a point of the map is packed, in turn
  const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"; // places of drawn points, so many in a row
  const RATES = [2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const ring = Array.from({ length: 8 }, (_, k) => [Math.cos((Math.PI * k) / 4), Math.sin((Math.PI * k) / 4)].map((x) => Math.fround(x)));
  const grid = (side) => Array.from({ length: side * side }, (_, k) => [k % side, Math.floor(k / side)].map((i) => (2 * i) / (side - 1) - 1));
  const equal = (centres) => ({ centres, sd: 0.05, shares: centres.map(() => 1 / centres.length) });
  const DATA = {
    ring: equal(ring),
    nine: equal(grid(3)),
    grid: equal(grid(5)),
    far: equal([[1.2, 1.2], [1.5, -1.2]]),
    lines: { ...equal([[-0.8, 0], [0.8, 0]]), long: 1 },
    uneven: { ...equal(ring), shares: [0.25, 0.05, 0.2, 0.05, 0.2, 0.05, 0.15, 0.05] },
  };
  const SEES = {
    alone: {}, two: { pack: 2 }, four: { pack: 4 }, std: { minibatch_std: true }, R1: { r1: 10 }, GP: { gradient_penalty: 0.1 },
  };

  const set = figure.choice("data", "Data", { ring: "ring of 8", nine: "grid of 9", grid: "grid of 25", far: "two far blobs", lines: "two lines", uneven: "uneven ring", own: "your own" });
  const loss = figure.choice("loss", "Loss of $G$", { "non-saturating": "−log D", saturating: "log(1 − D)", wasserstein: "Wasserstein" });
  const sees = figure.choice("sees", "$D$ judges", { alone: "single samples", two: "packs of 2", four: "packs of 4", std: "with batch spread", R1: "with R1 penalty", GP: "with gradient penalty" });
  const learns = figure.choice("learns", "Who learns", { both: "D and G", D: "D alone", G: "G alone" });
  const units = figure.choice("units", "Units", { 16: "16", 32: "32", 64: "64" });
  const speed = figure.choice("speed", "Speed", { 1: "1 step a picture", 5: "5 steps", all: "as fast as it can" });
  const updates = figure.slider("updates", "$D$ per step", 1, 1, 20);
  const seed = figure.slider("seed", "Seed", 1, 1, 99);
  const rate = (i) => String(RATES[i]);
  const rateD = figure.slider("rateD", "Rate $D$", 1, 0, RATES.length - 1, rate);
  const rateG = figure.slider("rateG", "Rate $G$", 1, 0, RATES.length - 1, rate);
  const own = { // drawn points, two letters each
    name: "own",
    text: "",
    accept(text) {
      const fits = /^([0-9a-z]{2}){1,40}$/.test(text);
      if (fits) this.text = text;
      return fits;
    },
  };
  figure.controls.push(own);

  const data = () => {
    if (set.text !== "own") return DATA[set.text];
    return equal(own.text.match(/../g).map((point) => Array.from(point, (letter) => place(LETTERS.indexOf(letter)))));
  };
  const rules = () => ({
    loss: loss.text, discriminator_steps: updates.value, lr_D: RATES[rateD.value], lr_G: RATES[rateG.value], ...SEES[sees.text],
  });

  /* n points of a mixture, as GaussianModes.sample draws them; a line is long in y. */
  const draw = ({ centres, sd, shares, long = 0 }, random, n) => {
    const points = new Float32Array(2 * n);
    for (let i = 0; i < 2 * n; i += 2) {
      let left = random.uniform();
      const k = shares.findIndex((share) => (left -= share) < 0);
      const [x, y] = centres.at(k); // the last, where rounding leaves none
      points[i] = x + sd * random.normal();
      points[i + 1] = y + (long ? long * (2 * random.uniform() - 1) : sd * random.normal());
    }
    return points;
  };
  const shares = ({ centres }, samples) => {
    const counts = centres.map(() => 0);
    for (let i = 0; i < samples.length; i += 2) {
      let [best, least] = [0, Infinity];
      centres.forEach(([x, y], k) => {
        const square = (x - samples[i]) * (x - samples[i]) + (y - samples[i + 1]) * (y - samples[i + 1]);
        if (square < least) [best, least] = [k, square];
      });
      counts[best]++;
    }
    return counts.map((count) => (2 * count) / samples.length);
  };
  const away = (samples) => pairs(samples, SAMPLES).filter((point) => Math.max(...point.map(Math.abs)) > REACH).length / SAMPLES;
  const inUse = (list) => Math.exp(-list.reduce((sum, r) => sum + (r && r * Math.log(r)), 0));

  /* One game, cut into updates of one player, so that no slice of time is long. */
  class Run {
    constructor(room, number) {
      room.clear();
      Object.assign(this, { data: data(), step: 0, update: 0, L_D: NaN, L_G: NaN });
      this.game = new Game(room, rules(), Number(units.text), number);
      this.z = new Engine.Random(number, 3).normals(2 * SAMPLES);
    }

    /* Returns true where a step ends. */
    learn(who) {
      const { game } = this;
      if (this.update++ < (who === "G" ? 1 : game.rules.discriminator_steps)) {
        this.L_D = game.learnD(draw(this.data, game.random, Game.BATCH), game.latents(), who !== "G");
        return false;
      }
      this.L_G = game.learnG(game.latents(), who !== "D");
      this.update = 0;
      this.step++;
      return true;
    }

    samples() { return this.game.samples(this.z); }
    get lost() { return this.step > 0 && !Number.isFinite(this.L_D + this.L_G); }
  }

  let run, real, past, every, sums, made, message;
  const record = () => {
    const now = shares(run.data, run.samples());
    const [L_D, L_G, count] = sums;
    past.push({ step: run.step, L_D: L_D / count, L_G: L_G / count, shares: now, modes: inUse(now) });
    sums = [0, 0, 0];
    if (past.length <= COLUMNS) return;
    past = past.filter((_, i) => i % 2 === 0);
    every *= 2;
  };
  const restart = (words = "") => {
    run = new Run(rooms[0], seed.value);
    real = draw(run.data, new Engine.Random(seed.value, 4), SAMPLES / 2);
    [past, every, sums, message] = [[], 5, [0, 0, 0], words];
    record();
  };
  const advance = () => {
    if (!run.learn(learns.text)) return false;
    [run.L_D, run.L_G, 1].forEach((value, i) => { sums[i] += value; });
    if (run.step % every === 0) record();
    return true;
  };

  /* What the controls have changed since the last time. Most rules can change while both learn. */
  const apply = () => {
    const start = [set.text, set.text === "own" && own.text, seed.text, units.text].join();
    if (start !== made) restart(run?.step ? "Both networks began anew. " : "");
    made = start;
    const { pack, minibatch_std: std, loss: before } = run.game.rules;
    run.game.change(rules());
    if (run.step && before !== loss.text) run.L_G = run.game.learnG(run.z.subarray(0, 2 * Game.BATCH), false); // of now
    if (pack === run.game.rules.pack && std === run.game.rules.minibatch_std) return;
    run.game.renewD();
    run.update = 0;
    message = run.step ? `$D$ began anew at step ${run.step}. ` : "";
  };

  // learning in slices, between which the screen is drawn
  let frame = 0;
  let [until, left] = [0, Infinity]; // steps, for readers who want nothing to move by itself
  let pace = NaN;
  let since; // [time, step] where the pace is measured from
  let then = 0; // when the screen was last drawn
  const most = () => (speed.text === "all" ? Infinity : Number(speed.text));
  const [play, one, again, tries] = figure.buttons([
    [still ? "200 steps" : "Play", () => (frame ? figure.stop() : go())],
    ["Step", () => { figure.stop(); while (!advance()); figure.show(); }],
    ["Restart", () => { restart(); figure.show(); }],
    ["Try 16 seeds", () => (trying?.frame ? endTries() : tryAll())],
  ]);
  const tick = (now) => {
    // more where drawing takes long, so that the larger part of the time goes into learning
    const end = performance.now() + (still ? LIMIT : Math.min(Math.max(0.6 * (now - then), SLICE), LIMIT));
    then = now;
    for (let n = 0; n < Math.min(most(), left) && performance.now() < end;) if (advance()) n++;
    if (still) left = until - run.step;
    if (run.lost || left <= 0) return figure.stop(), figure.show();
    if (now - since[0] > 500) {
      pace = (1000 * (run.step - since[1])) / (now - since[0]);
      since = [now, run.step];
    }
    frame = requestAnimationFrame(tick);
    if (!still) figure.show();
    return undefined;
  };
  const go = () => {
    endTries();
    if (run.lost) restart();
    then = performance.now();
    since = [then, run.step];
    until = run.step + 200;
    left = still ? 200 : Infinity;
    if (!still) play.textContent = "Pause";
    frame = requestAnimationFrame(tick);
  };
  figure.stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    pace = NaN;
    if (!still) play.textContent = "Play";
  };

  // the same rules with 16 seeds, one after the other
  let trying = null;
  let earlier = null; // of how many seeds it was said before the settings were changed
  const key = () => figure.controls.filter((control) => ![seed, learns, speed].includes(control)).map(({ text }) => text).join();
  const endTries = () => {
    if (!trying) return;
    cancelAnimationFrame(trying.frame);
    trying.frame = 0;
    tries.textContent = "Try 16 seeds";
  };
  const tryAll = () => {
    figure.stop();
    // the same work for all rules, some 6000 updates a seed
    trying = { key: key(), list: [], steps: Math.min(1500, 50 * Math.round(120 / (1 + updates.value))), run: null };
    tries.textContent = "Stop";
    trying.frame = requestAnimationFrame(trial);
    figure.show();
    figure.note.scrollIntoView({ block: "nearest" }); // on a phone the button may be far below what it shows
  };
  const trial = () => {
    const end = performance.now() + LIMIT;
    while (performance.now() < end && trying.list.length < SEEDS) {
      trying.run ??= new Run(rooms[1], trying.list.length + 1);
      if (!trying.run.learn("both") || (trying.run.step < trying.steps && !trying.run.lost)) continue;
      const samples = trying.run.samples();
      trying.list.push({ samples, modes: trying.run.lost ? NaN : inUse(shares(trying.run.data, samples)) });
      trying.run = null;
    }
    if (trying.list.length === SEEDS) endTries();
    else trying.frame = requestAnimationFrame(trial);
    figure.show();
  };
  const preset = (text) => () => `${text},${own.text}`.split(",");
  figure.row = null;
  figure.jumps([
    ["No overlap", preset("far,saturating,alone,D,64,1,1,1,6,6")],
    ["Slow D", preset("ring,non-saturating,alone,both,64,5,1,1,3,6")],
    ["Fast D", preset("ring,non-saturating,alone,both,64,all,20,1,6,6")],
    ["Cure", preset("ring,non-saturating,two,both,64,all,1,1,3,6")],
    ["No cure", preset("ring,saturating,alone,both,64,5,1,1,3,6")],
  ]);
  figure.row.addEventListener("click", ({ target }) => { // a lesson begins with the first weights
    if (target === figure.row) return;
    restart();
    figure.show();
  });

  const panel = (height, legend, axis) => {
    const made = figure.panel(height, axis, legend, 2, 150);
    if (axis) made.left = 52;
    return made;
  };
  const map = panel(0, [["data dot", "data"], ["generator dot", "samples"], ["ink", "slope"]], "");
  const label = map.svg.getAttribute("aria-label");
  const losses = panel(236, [["discriminator", "$L_D$"], ["generator", "$L_G$"]], "step");
  const code = panel(118, [["undefined", "shares, over time"]], "step");
  const modes = panel(118, [["ink", "modes in use"]], "step");
  const pictures = figure.panel(100, "", [["undefined", "16 seeds, with their modes in use"]]);
  const counts = figure.panel(110, "modes in use, rounded", [["generator square", "how many of the seeds"]]);
  const show = figure.readouts(
    { step: "step", pace: "steps / s", L_D: "$L_D$", L_G: "$L_G$", modes: "modes", slope: "slope", scale: "map, ±" },
    { step: 0, pace: 0, L_D: 3, L_G: 3, modes: 1 },
  );

  // points of a drawing, on the places of the letters; by keyboard at a cross, which arrow keys move
  const place = (i) => ((2 * i + 1) / LETTERS.length - 1) * REACH;
  const inside = (i) => Math.min(Math.max(i, 0), LETTERS.length - 1);
  const near = (x) => inside(Math.floor(((x / REACH + 1) * LETTERS.length) / 2));
  let cross = [18, 18];
  const given = () => figure.defaults[figure.controls.indexOf(own)]; // these give way to the first point that is drawn
  const put = () => {
    const point = cross.map((i) => LETTERS[i]).join("");
    const points = own.text === given() ? [] : own.text.match(/../g);
    if (points.length < 40 && !points.includes(point)) own.text = [...points, point].join("");
  };
  map.onDrag((...press) => {
    const move = (...to) => {
      cross = to.map(near);
      if (set.text === "own") put();
    };
    move(...press);
    return move;
  }, true);
  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  map.svg.addEventListener("keydown", (event) => {
    const { key: pressed } = event;
    if (set.text !== "own" || event.ctrlKey || event.altKey || event.metaKey) return;
    if (WAYS[pressed]) cross = cross.map((i, axis) => inside(i + WAYS[pressed][axis]));
    else if (pressed === "Enter") put();
    else if (pressed === "Backspace" && own.text.length > 2 && own.text !== given()) own.text = own.text.slice(0, -2);
    else return;
    event.preventDefault();
    figure.stop();
    figure.changed();
    figure.status.textContent = `${cross.map((i) => place(i).toFixed(1)).join(", ")}; ${own.text.length / 2} points`;
  });
  for (const happens of ["focusin", "focusout"]) map.frame.addEventListener(happens, () => figure.show());

  /* The logit at the points of the map, from the top; in packs its mean over real partners; with the spread of a real batch. */
  const field = () => {
    const { game: { D, rules: { pack, minibatch_std: std } }, game } = run;
    const { input: { floats, width }, output } = D;
    const spread = std && game.spreads(real.subarray(0, 2 * Game.BATCH)).reduce((sum, [, sd]) => sum + sd, 0) / (2 * pack);
    const values = new Float32Array(SIDE * SIDE);
    const partners = pack > 1 ? PARTNERS : 1;
    const place = (i) => ((2 * i + 1) / SIDE - 1) * REACH;
    for (let p = 0; p < partners; p++) {
      for (let first = 0; first < values.length; first += 64) {
        for (let row = 0; row < 64; row++) {
          const at = row * width;
          floats[at] = place((first + row) % SIDE);
          floats[at + 1] = -place(Math.floor((first + row) / SIDE));
          for (let k = 2; k < 2 * pack; k++) floats[at + k] = real[2 * pack * p + k];
          if (std) floats[at + 2 * pack] = spread;
        }
        D.forward(64);
        for (let row = 0; row < 64; row++) values[first + row] += output.floats[row * output.width] / partners;
      }
    }
    return values;
  };
  const ends = (end) => [0, [end - 0.035 * String(end).length * end / 2, String(end)]]; // the last number stays inside
  const pairs = (flat, count) => Array.from({ length: count }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);

  const drawMap = (samples) => {
    map.begin([-REACH, REACH], [-REACH, REACH]);
    const values = field();
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const middle = loss.text === "wasserstein" ? (low + high) / 2 : 0; // a critic's scores have no zero
    const scale = Math.max(high - middle, middle - low) || 1;
    map.paint(Array.from(values, (value) => ((value - middle) / scale + 1) / 2), SIDE);
    map.line("data dots", pairs(real, 128), "h0M");
    map.line("generator dots", pairs(samples, 192), "h0M");
    run.game.learnG(run.z.subarray(0, 2 * Game.BATCH), false);
    const { pull } = run.game;
    let slope = 0;
    pairs(pull, Game.BATCH).forEach(([x, y], i) => {
      const norm = Math.hypot(x, y);
      slope += norm; // the mean of 64, each of which counts 1/64 in the loss
      if (i >= 20 || !norm) return;
      const [from, to] = [samples.subarray(2 * i, 2 * i + 2), [x, y].map((part) => (-0.22 * part) / norm)];
      const tip = [from[0] + to[0], from[1] + to[1]];
      const barb = (turn) => [tip[0] - 0.3 * to[0] - turn * to[1], tip[1] - 0.3 * to[1] + turn * to[0]];
      map.line("ink arrow", [from, tip, barb(0.2), tip, barb(-0.2)]);
    });
    if (set.text === "own" && document.activeElement === map.svg) {
      const [x, y] = cross.map(place);
      for (const role of ["halo cross", "ink cross"]) {
        for (const [a, b] of [[0.15, 0], [0, 0.15]]) map.line(role, [[x - a, y - b], [x + a, y + b]]);
      }
    }
    return { slope, scale };
  };

  const drawPast = () => {
    const K = run.data.centres.length;
    const last = past.at(-1).step;
    const learnt = past.slice(1);
    const values = learnt.flatMap(({ L_D, L_G }) => [L_D, L_G]).filter(Number.isFinite);
    const low = Math.max(Math.floor(2 * Math.min(0, ...values)) / 2, -3);
    const high = Math.min(Math.ceil(2 * Math.max(1.4, ...values)) / 2, 5);
    const end = Math.max(last, 50);
    const ticks = [0, Math.LN2, 2 * Math.LN2, ...(low < -0.5 ? [-Math.LN2] : [])];
    const names = ["0", "log 2", "2 log 2", "−log 2"];
    losses.begin([0, end], [low, high], ends(end), ticks.map((tick, i) => [tick, names[i]]));
    for (const [role, name] of [["discriminator", "L_D"], ["generator", "L_G"]]) {
      if (learnt.length) losses.line(role, learnt.map((each) => [each.step, each[name]]));
    }
    modes.begin([0, end], [0, K + 0.5], ends(end), [1, ...(K > 2 ? [Math.ceil(K / 2)] : []), K].map((k) => [k, String(k)]));
    modes.line("ink", past.map((each) => [each.step, each.modes]));
    code.begin([0, past.length], [K, 0], [[0.5, "0"], [past.length * (1 - 0.0175 * String(last).length), String(last)]], K > 9 ? [] : past[0].shares.map((_, k) => [k + 0.5, K > 4 && k % 2 ? "" : String(k)]));
    code.paint(past[0].shares.flatMap((_, k) => past.map((each) => Math.min(Math.max(K / 4, 1) * each.shares[k], 1))), past.length);
  };

  const goal = () => 0.875 * inUse(run.data.shares); // 7 of 8 equal ones
  const drawTries = () => {
    if (trying && trying.key !== key()) {
      endTries();
      [trying, earlier] = [null, trying.good ?? earlier];
    }
    for (const one of [pictures, counts]) one.box.hidden = !trying;
    if (!trying) return "";
    const { list, steps } = trying;
    const K = run.data.centres.length;
    pictures.height = 10 + figure.width / 4;
    pictures.begin([0, 8], [2, 0], [], []);
    list.forEach(({ samples, modes: used }, i) => {
      const [column, row] = [(i % 8) + 0.5, Math.floor(i / 8) + 0.5];
      const at = ([x, y]) => [column + (0.48 * Math.min(Math.max(x / REACH, -1), 1)), row - 0.48 * Math.min(Math.max(y / REACH, -1), 1)];
      pictures.bar("cell", column, row + 0.49, row - 0.49, 0.98);
      pictures.line("generator dots", pairs(samples, 96).map(at), "h0M");
      pictures.text(column - 0.3, row - 0.34, used.toFixed(1));
    });
    const heights = Array.from({ length: K }, (_, k) => list.filter(({ modes: used }) => Math.round(used) === k + 1).length);
    const marks = [0, Math.max(4, ...heights)];
    counts.begin([0.4, K + 0.6], [0, marks[1]], heights.map((_, k) => k + 1).filter((k) => K < 10 || k % 5 === 0 || k === 1), marks.map((tick) => [tick, String(tick)]));
    heights.forEach((height, k) => counts.bar("generator", k + 1, 0, height, 0.8));
    if (list.length < SEEDS) return `${list.length} of 16 seeds have learnt for ${steps} steps. This run: `;
    trying.good = list.filter(({ modes: used }) => used >= goal()).length;
    const words = earlier === null ? "" : ` The try before, with other settings: ${earlier} of 16.`;
    return `${trying.good} of 16 seeds use at least ${goal().toFixed(1).replace(".0", "")} of ${K} modes after ${steps} steps.${words} This run: `;
  };

  const says = (now) => {
    const K = run.data.centres.length;
    if (run.lost) return "The numbers have left what a computer can hold. Lower a rate, then press Restart.";
    if (!run.step && set.text === "own") return "Draw in the map: tap or drag. By keyboard: Tab to the map, arrow keys move a cross, Enter puts a point, Backspace takes one away.";
    if (!run.step) return trying ? "nothing has been learnt yet." : "The first weights: nothing has been learnt yet.";
    if (learns.text === "D") return "Only $D$ learns. The samples stand still, and the loss of $G$ is only measured.";
    if (learns.text === "G") {
      const gone = now.away > 0.5 ? " Most samples have left the picture: nobody tells them to stop." : "";
      return "Only $G$ learns, against a $D$ that stands still." + gone;
    }
    const before = past.at(-4) ?? past[0];
    const top = (each) => each.shares.indexOf(Math.max(...each.shares));
    if (K > 2 && now.modes < 0.35 * K) {
      const [number, crowd] = [top(now), Math.max(...now.shares) > 0.5];
      if (number === top(before)) return `Few modes are in use. The fullest has number ${number}, as it had ${run.step - before.step} steps ago.`;
      return `${crowd ? "One crowd, and it moves" : "Few modes are in use"}: the fullest was number ${top(before)}, now it is number ${number}.`;
    }
    if (now.modes < goal()) return `Modes are missing or rarer than in the data: as many as ${now.modes.toFixed(1)} equal ones are in use, of ${inUse(run.data.shares).toFixed(1)}.`;
    return "Nearly all modes are in use. The map tells whether the samples are near them.";
  };

  const brief = (value) => (Math.abs(value) < 1e4 ? value : value.toExponential(1));
  return () => {
    apply();
    const samples = run.samples();
    const seen = drawMap(samples);
    const drawing = set.text === "own";
    map.svg.classList.toggle("explorable-free", drawing);
    map.svg.setAttribute("role", drawing ? "application" : "img");
    if (drawing) map.svg.setAttribute("tabindex", 0);
    else map.svg.removeAttribute("tabindex");
    map.svg.setAttribute("aria-label", drawing ? "map; arrow keys move a cross, Enter puts a point, Backspace takes the last one away" : label);
    drawPast();
    const found = drawTries();
    const now = shares(run.data, samples);
    show({
      step: run.step,
      pace: Number.isNaN(pace) ? "–" : pace,
      L_D: run.step ? brief(run.L_D) : "–",
      L_G: run.step ? brief(run.L_G) : "–",
      modes: inUse(now),
      ...seen,
    });
    return found + message + says({ shares: now, modes: inUse(now), away: away(samples) });
  };
});
