/* Question 1 (c): the best linear VAE of real digits. The reader moves the water level t = βσ² over the variances l of the
   principal directions (the PCA eigenvalues) and sees two digits decoded. Along each direction, with s² = min(t/l, 1):

     rate   -1/2 log s² nats      squared error   l s²      decoded   1 - s² of the digit's part, which is also Var μ(x)

   The price of collapse, of the constant encoder, is β [1/2 (1/s² - 1) - rate]. The sliders count steps on a logarithmic scale, an
   octave of them for a factor of two, so that the steps of σ² and of β add up to those of t. */
Explorables.define("water", (figure) => {
  const { values, octave, unit, mse, names, parts, step, shannon } = figure.data;
  const size = (steps) => Math.exp(unit * steps);
  const steps = (size) => Math.log(size) / unit;
  const shown = (steps) => +size(steps).toPrecision(3);
  const ticks = (list, at = (x) => x) => list.map((x) => [at(x), String(x)]);
  const both = ticks([0, 20, 40]);
  const top = 3.5 * octave; // of the axis
  const spreads = (t) => values.map((l) => Math.min(t / l, 1)); // s²

  /* A digit is the sum of the mean image, its parts along the directions, and the rest; at t = 0 all of it is kept. */
  const decode = (part, t) => {
    const weights = [1, ...spreads(t).map((s2) => 1 - s2), +!t];
    return part[0].map((_, pixel) => step * part.reduce((sum, image, i) => sum + image[pixel] * weights[i], 0));
  };

  const variance = figure.slider("variance", "decoder variance σ²", 1, -3 * octave, 9 * octave, shown);
  const beta = figure.slider("beta", "weight β", 1, -octave, 3 * octave, shown);
  figure.jumps([
    ["Half the squared error", () => [0, 0]],
    ["mse_loss", () => [mse, 0]],
    ["Collapsed", () => [Math.ceil(steps(values[0])), 0]],
    ["β doubled, σ² halved", () => {
      const by = Math.min(octave, 3 * octave - beta.value, 3 * octave + variance.value);
      return [variance.value - by, beta.value + by];
    }],
  ]);
  const images = names.map((name) => figure.panel(0, "", [["undefined", name]], 4, 60));
  const water = figure.panel(184, "direction", [["square posterior", "encoded"], ["square distance", "error"], ["square water", "water: pull it"]]);
  const curve = figure.panel(146, "squared error", [["distance", "rate in nats: Shannon’s limit"]]);
  const show = figure.readouts({
    level: "level βσ²", active: "directions encoded", rate: "rate, nats", error: "squared error", price: "price of collapse",
  }, { active: 0 });
  const move = (x, y) => {
    variance.input.focus({ preventScroll: true }); // arrow keys go on from here
    variance.value = y - beta.value;
    return move;
  };
  water.onDrag(move, true);

  return () => {
    const at = variance.value + beta.value;
    const level = size(at);
    const now = spreads(level);
    let [active, rate, error, price] = [0, 0, 0, 0];

    water.begin([0, values.length + 1], [-4 * octave, top], ticks([20, 40, 60]), ticks([0.1, 1, 10], steps));
    now.forEach((s2, i) => {
      const l = values[i];
      active += s2 < 1;
      rate -= Math.log(s2) / 2;
      error += l * s2;
      price += size(beta.value) * (1 / s2 - 1 + Math.log(s2)) / 2;
      water.bar("distance", i + 1, water.y[0], steps(l * s2), 0.75);
      water.bar("posterior", i + 1, at, steps(l), 0.75);
    });
    const surface = Math.min(at, top - 0.1 * octave); // a flood stands at the top edge
    water.bar("water", (values.length + 1) / 2, water.y[0], surface, values.length + 1);
    water.line("water", [[0, surface], [values.length + 1, surface]]);
    water.grip("water", 38, surface, true);
    water.names(38, [["water", surface, `${shown(at)}${at > surface ? ", off the scale" : ""}`]], 15);

    curve.begin([0, 48], [-3, 62], both, both, () => curve.line("distance", shannon));
    curve.dot("posterior", error, rate);
    curve.names(error, [["posterior", rate + 8, "this VAE"]]);

    images.forEach((panel, i) => {
      panel.begin([0, 1], [0, 1]);
      panel.paint(decode(parts[i >> 1], i % 2 && level));
    });
    show({ level, active, rate, error, price });
    return active ? "What sticks out is encoded; the rest stays as error." : "Collapsed: the level is above all bars. Both are decoded to the mean image.";
  };
});
