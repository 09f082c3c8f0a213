/* The VAE laboratory: a VAE (elbo.js) that is trained while the reader watches and changes what its loss charges for.

   Data sets come from a cell of the page: whole numbers of a step, and the eigenvalues l of their covariance. A linear VAE uses the
   directions with l > beta sigma^2 (genmodels.vae.linear). */
// needs: laboratory engine elbo
Explorables.define("vae", (figure) => {
  const room = Engine.room();
  if (!room) return () => "The networks of this figure learn in WebAssembly, which this browser does not have. The still picture shows what they learn.";
  const { SHOWN } = Vae;
  const DRAWS = SHOWN - 4; // from the prior; the last four rows of a batch are the reader's z
  const ACTIVE = 0.02; // nats of KL; training leaves what is switched off below a tenth of it
  const POINTS = 150; // of the curves at most; then every second is forgotten
  const PLACES = 100; // of a density
  const TILES = 7; // in a row of images, and rows
  const INSET = 3; // tiles, the side of the reader's image
  const GAP = 0.4; // the grey between images
  const [SLICE, LIMIT] = [12, 40]; // ms of learning before the screen is drawn again: while playing, and where nothing may move
  const [MANY, PAUSE] = [200, 1500]; // steps: for readers who want nothing to move by itself, and as the page's answers have them
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const exp = (x) => Engine.exp(x); // the same on every machine
  const sets = Object.fromEntries(figure.data.sets.map(({ name, letters, step, columns, ...rest }) => {
    const data = Float32Array.from(figure.whole(letters), (whole) => whole * step);
    return [name, { ...rest, columns, data, shown: data.subarray(0, SHOWN * columns) }];
  }));

  const dataSet = figure.choice("data", "Data", Object.fromEntries(figure.data.sets.map(({ name, title }) => [name, title])));
  const latent = figure.choice("latent", "Size of $z$", { 1: "1", 2: "2" });
  const terms = figure.choice("terms", "KL terms", { both: "both", mean: "mean", variance: "variance", none: "none", autoencoder: "none, no noise" });
  const learns = figure.choice("learns", "Variance is", { fixed: "fixed", learned: "learned" });
  const variance = figure.slider("variance", "variance σ²", 0.1, -3, 1, (log) => (variance.input.disabled ? "–" : (10 ** log).toPrecision(2)));
  const beta = figure.slider("beta", "weight β", 0.5, -6, 6, (log) => (2 ** log).toPrecision(2));
  const seed = figure.slider("seed", "seed", 1, 1, 20);
  const speed = figure.choice("speed", "Speed", { 1: "1 step a picture", 5: "5 steps", all: "fast" });
  const z = figure.fold("A code $z$ by slider", () => [1, 2].map((j) => figure.slider(`z${j}`, `code $z_${j}$`, 0.1, -4, 4)));

  const rules = () => ({
    terms: terms.text,
    beta: exp(beta.value * 0.6931471805599453),
    variance: exp(variance.value * 2.302585092994046),
    learned: learns.text === "learned",
  });
  const sum = (list) => list.reduce((total, value) => total + value, 0);
  const kl = ({ mean, variance: width }) => Array.from(mean, (value, j) => value + width[j]);

  let set, d, vae, step, past, every, noise, draws, made, free;
  const measure = () => vae.measure(rules(), set.shown, noise);
  const record = () => {
    const found = measure();
    past.push([step, found.error / vae.variance(rules()) / 2, ...kl(found)]);
    if (past.length <= POINTS) return;
    past = past.filter((_, i) => i % 2 === 0);
    every *= 2;
  };
  const restart = () => {
    room.clear();
    set = sets[dataSet.text];
    d = Number(latent.text);
    vae = new Vae(room, set.data, set.columns, d, seed.value);
    vae.free(rules().variance);
    const random = new Engine.Random(seed.value, 3);
    [noise, draws] = [random.normals(SHOWN * d), random.normals(SHOWN * d)];
    [step, past, every] = [0, [], 5];
    record();
  };
  const advance = () => {
    vae.learn(rules());
    if (++step % every === 0) record();
  };

  /* What the controls have changed since the last time: the loss may change at any step, what it is computed with may not. */
  const apply = () => {
    const start = [dataSet, latent, seed].map(({ text }) => text).join();
    if (start !== made) restart();
    else if (free !== learns.text) vae.free(rules().variance);
    [made, free] = [start, learns.text];
    variance.input.disabled = free === "learned";
    variance.show();
  };

  let [frame, left] = [0, 0]; // left is 0 where it pauses
  const [play] = figure.buttons([
    [still ? `${MANY} steps` : "Play", () => (frame ? figure.stop() : go())],
    ["One step", () => { figure.stop(); advance(); figure.show(); }],
    ["Restart", () => { restart(); figure.show(); }],
  ]);
  const tick = () => {
    const end = performance.now() + (still ? LIMIT : SLICE);
    for (let n = speed.text === "all" || still ? Infinity : Number(speed.text); n && left && performance.now() < end; n--) {
      advance();
      left = still ? left - 1 : step % PAUSE;
    }
    if (!left || !Number.isFinite(past.at(-1)[1])) figure.stop();
    else frame = requestAnimationFrame(tick);
    if (!still || !left) figure.show();
  };
  const go = () => {
    left = still ? MANY : PAUSE;
    if (!still) play.textContent = "Pause";
    frame = requestAnimationFrame(tick);
  };
  figure.stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    if (!still) play.textContent = "Play";
  };

  const lesson = (data, on, log, k = "2") => () => [data, k, on, "fixed", log, "0", seed.text, speed.text, "0", "0"];
  figure.row = null; // a row of its own
  figure.jumps([
    ["Autoencoder", lesson("ring", "autoencoder", "-2")],
    ["VAE", lesson("ring", "both", "-2")],
    ["Needles", lesson("ring", "mean", "-2")],
    ["Apart", lesson("ring", "variance", "-2")],
    ["One of two", lesson("gaussian", "both", "-0.7")],
    ["Collapse", lesson("ring", "both", "-0.2")],
    ["Blur", lesson("digits", "both", "-0.5")],
  ]);
  figure.row.addEventListener("click", ({ target }) => {
    if (target === figure.row) return;
    restart();
    figure.show();
    if (target !== figure.row.lastChild && !still) go();
  });

  const codes = figure.panel(0, "z₁", [["posterior", "posteriors"], ["prior", "prior"], ["ink dot", "$z$"]], 2, 120);
  const space = figure.panel(0, "", [["data dot", "data"], ["posterior dot", "redrawn"], ["generator dot", "drawn"], ["ink dot", "$z$"], ["plain", "rows: data, redrawn, then drawn; large: $z$"]], 2, 120);
  const sums = figure.panel(140, "z", [["posterior", "$q$($z_1$)"], ["posterior dashed", "$q$($z_2$)"], ["prior", "prior"]], 2, 120);
  const nats = figure.panel(140, "step", [["ink", "error"], ["posterior", "KL $z_1$"], ["posterior dashed", "KL $z_2$"]], 2, 120);
  for (const map of [codes, space]) Object.assign(map, { square: 226, bottom: 36 });
  for (const panel of [codes, space, sums, nats]) Object.assign(panel, { left: 34, right: 16 });
  const keys = [...space.box.firstElementChild.children];
  const show = figure.readouts(
    { step: "step", error: "squared error", reconstruction: "recon\u00adstruction", kl: "KL", sigma2: "σ²", width: "median $s$", active: "dimen\u00adsions used", linear: "variances > βσ²", near: "draws near data" },
    { step: 0, reconstruction: 2, kl: 2, active: 0, linear: 0 },
  );
  codes.onDrag((...press) => {
    const move = (...to) => z.forEach((slider, j) => { slider.value = to[j]; });
    move(...press);
    codes.hold(z[0]);
    return move;
  }, true);

  /* A distance that most of the data have a neighbour within. */
  const nearest = (points, [x, y]) => {
    let least = Infinity;
    for (let i = 0; i < points.length; i += 2) {
      const square = (points[i] - x) * (points[i] - x) + (points[i + 1] - y) * (points[i + 1] - y);
      if (square && square < least) least = square; // 0: the point itself
    }
    return Math.sqrt(least);
  };
  const pairs = (list, from = 0, to = list.length / 2) => Array.from({ length: to - from }, (_, i) => [list[2 * (from + i)], list[2 * (from + i) + 1]]);
  for (const one of Object.values(sets)) {
    if (one.columns === 2) one.usual = pairs(one.data).map((point) => nearest(one.data, point)).sort((a, b) => a - b)[Math.floor(0.95 * one.data.length / 2)];
  }

  /* The posteriors [mu_1, mu_2, s_1, s_2]; an autoencoder's are points. With one dimension each has a height of its own. */
  const posteriors = (reach) => Array.from({ length: SHOWN }, (_, row) => {
    const [x, y] = [0, d - 1].map((j) => vae.posterior(row, j));
    const width = ([, logvar]) => (terms.text === "autoencoder" ? 0 : Math.exp(logvar / 2));
    return d === 2 ? [x[0], y[0], width(x), width(y)] : [x[0], reach * (1 - (2 * row + 1) / SHOWN), width(x), reach / SHOWN];
  });
  const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

  /* The name of each mode, at the mean of what stands for its points. */
  const means = (list) => [...(set.columns === 2 ? new Set(set.labels) : [])].map((label) => {
    const own = list.filter((_, i) => set.labels[i] === label);
    return [label, ...[0, 1].map((j) => sum(own.map((at) => at[j])) / own.length)];
  });

  const drawCodes = (reach, list) => {
    const side = [-reach, reach];
    const ticks = [-reach, 0, reach].map((at) => [at, String(at).replace("-", "−")]);
    codes.begin(side, side, ticks, d === 2 ? ticks : [], () => {
      if (d === 2) codes.text(-reach + 10 / codes.scale, reach - 12 / codes.scale, "z₂", "axis");
    });
    codes.ellipses("posterior area thin", list);
    if (set.columns > 2) list.forEach(([x, y], i) => codes.text(x, y, set.labels[i], "code ink"));
    else codes.line("posterior dots", list, "h0M");
    for (const [label, x, y] of means(list)) codes.text(x, y, label);
    if (d === 2) codes.ellipses("prior", [[0, 0, 2, 2]]);
    else for (const at of [-2, 2]) codes.line("prior", [[at, -reach], [at, reach]]);
    codes.dot("ink", z[0].value, d === 2 ? z[1].value : 0, 6);
  };

  const drawSums = (reach, list) => {
    sums.begin([-reach, reach], [0, 0.9], [-reach, 0, reach].map((at) => [at, String(at).replace("-", "−")]), [0, [0.5, "1/2"]]);
    const places = Explorables.range(-reach, reach, PLACES);
    const bell = (off) => Math.exp(-off * off / 2) / Math.sqrt(2 * Math.PI);
    sums.line("prior", places.map((at) => [at, bell(at)]));
    for (let j = 0; j < d; j++) {
      const density = places.map(() => 0);
      for (const code of list) {
        const [mu, s] = [code[j], Math.max(code[2 + j], reach / PLACES)]; // needles are as wide as a place
        const place = (at) => Math.round(((at / reach + 1) * PLACES) / 2);
        for (let i = Math.max(place(mu - 4 * s), 0); i <= Math.min(place(mu + 4 * s), PLACES); i++) density[i] += bell((places[i] - mu) / s) / s / SHOWN;
      }
      sums.line(j ? "posterior dashed" : "posterior", places.map((at, i) => [at, density[i]]));
    }
  };

  const drawNats = () => {
    const end = Math.max(step, 50);
    nats.begin([0, end], [-2.3, 3.6], [[0, "0"], [end - 0.035 * String(end).length * end / 2, String(end)]], [[-2, "0.01"], [0, "1"], [2, "100"]]);
    const log = (value) => Math.log10(Math.max(value, 1e-3));
    for (let j = d; j >= 0; j--) {
      if (j && terms.text === "autoencoder") continue;
      nats.line(["ink", "posterior", "posterior dashed"][j], past.map((found) => [found[0], log(found[1 + j])]));
    }
  };

  const drawSpace = (redrawn, drawn) => {
    const plane = set.columns === 2;
    keys.forEach((key, i) => { key.hidden = plane === (i === keys.length - 1); });
    Object.assign(space, plane ? { axis: "x₁", left: 34, bottom: 36 } : { axis: "", left: 2, bottom: 4 });
    if (plane) {
      space.canvas?.remove();
      space.canvas = null;
      space.begin([-set.reach, set.reach], [-set.reach, set.reach], [-1, 0, 1], [-1, 0, 1]);
      for (const [role, list, end] of [["data", set.shown, SHOWN], ["generator", drawn, DRAWS], ["posterior", redrawn, SHOWN]]) space.line(`${role} dots`, pairs(list, 0, end), "h0M");
      for (const [label, x, y] of means(pairs(set.shown))) space.text(1.3 * x, 1.3 * y, label);
      return space.dot("ink", drawn[2 * DRAWS], drawn[2 * DRAWS + 1], 6);
    }
    const side = Math.sqrt(set.columns);
    const first = Array.from({ length: TILES }, (_, digit) => set.labels.indexOf(String(digit)));
    const cell = side + 1; // with a pixel between images
    const width = TILES * cell;
    const edge = (TILES - INSET) * cell;
    const pixel = (list, image, row, column) => (row < side && column < side ? list[image * set.columns + row * side + column] : GAP);
    space.begin([0, TILES], [TILES, 0]); // rows from the top
    space.paint(Array.from({ length: width * width }, (_, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      if (row >= edge && column >= edge) return pixel(drawn, DRAWS, Math.floor((row - edge) / INSET), Math.floor((column - edge) / INSET));
      const [tileRow, tile] = [Math.floor(row / cell), Math.floor(column / cell)];
      const [list, image] = tileRow < 2 ? [tileRow ? redrawn : set.shown, first[tile]] : [drawn, (tileRow - 2) * TILES + tile];
      return pixel(list, image, row % cell, column % cell);
    }), width);
    space.line("marker", [[0, 2], [TILES, 2]]);
    return space.line("marker", [[TILES, TILES - INSET], [TILES - INSET, TILES - INSET], [TILES - INSET, TILES]]);
  };

  const linearTheory = (level) => {
    const above = set.values.filter((value) => value > level).length;
    const known = set.values.slice(0, 2).map((value) => value.toPrecision(2)).join(" and ");
    return ` Directions of the data with a variance above βσ² = ${level.toPrecision(2)}: ${above} (largest: ${known}). A linear VAE would use ${Math.min(above, d)} of ${d}.`;
  };
  const note = ({ error }, used, total, width, far, near) => {
    if (!Number.isFinite(error)) return "The loss is no longer a number: the steps were too large for it. Restart, with a larger σ² or a smaller β.";
    const share = near === near ? ` ${Math.round(100 * near)} % of the draws from the prior lie near data.` : "";
    if (!step) return "Nothing is learnt yet: Play. What the loss charges for can be changed at any time.";
    if (terms.text === "autoencoder") return `An autoencoder: codes are points, and nothing ties them to the prior.${share}`;
    if (terms.text === "none") return `The noise is there, and nothing charges for making it small: the median width is ${width.toPrecision(2)}.${share}`;
    if (terms.text === "mean") return `Codes are drawn to the origin, and no term holds up their widths: the median is ${width.toPrecision(2)}.${share}`;
    if (terms.text === "variance") return `Widths are held up, their median is ${width.toPrecision(2)}; no term holds the codes together: they reach ${far.toPrecision(2)}.${share}`;
    const level = rules().beta * vae.variance(rules());
    const points = Math.round(Math.exp(total));
    const told = total < Math.LN2 ? "are too little to tell two points apart" : `can tell at most ${points} equally likely points apart`;
    const words = used ? `${total.toPrecision(2)} nats ${told}.` : "The code says nothing: every posterior is nearly the prior.";
    return words + share + linearTheory(level);
  };

  return () => {
    apply();
    const found = measure();
    const redrawn = vae.decoder.output.get(SHOWN);
    const far = Math.max(...posteriors(1).flatMap((code) => code.slice(0, d).map(Math.abs)));
    const reach = [3.5, 7, 14, 28, 56, 112, 224].find((edge) => edge > far) ?? 448;
    const list = posteriors(reach);
    drawCodes(reach, list);
    drawSums(reach, list);
    drawNats();
    const asked = draws.map((value, i) => (i < DRAWS * d ? value : z[i % d].value));
    const drawn = vae.decode(asked);
    drawSpace(redrawn, drawn);

    const bare = terms.text === "autoencoder";
    const [sigma2, each] = [vae.variance(rules()), kl(found)];
    const [total, used] = [sum(each), each.filter((nats) => nats > ACTIVE).length];
    const width = bare ? NaN : median(list.flatMap((code) => code.slice(2, 2 + d)));
    const near = set.usual ? sum(pairs(drawn, 0, DRAWS).map((point) => Number(nearest(set.data, point) <= set.usual))) / DRAWS : NaN;
    const or = (value) => (value === value ? value : "–");
    show({
      step,
      error: found.error,
      reconstruction: found.error / sigma2 / 2 + (set.columns / 2) * Math.log(2 * Math.PI * sigma2),
      kl: bare ? "none" : total,
      sigma2,
      width: or(width),
      active: bare ? "–" : used,
      linear: terms.text === "both" ? set.values.filter((value) => value > rules().beta * sigma2).length : "–",
      near: or(near),
    });
    return note(found, used, total, width, far, near);
  };
});
