/* Questions 1 (a) and 1 (b): an autoencoder and a VAE with codes of two numbers, and what their decoders draw for any code z.

   Decoder: x = S(W_2 h + b_2) with h = max(u, slope u), u = W_1 z + b_1. Weights and codes come as whole numbers of a step. */
Explorables.define("latent", (figure) => {
  const { slope, side, draws } = figure.data;
  const models = figure.data.models.map((model) => ({ ...model }));
  const decode = ({ first, second, step }, z) => {
    const u = first[2].map((bias, i) => first[0][i] * z[0] + first[1][i] * z[1] + bias);
    const h = [...u.map((value) => Math.max(value, slope * value)), 1]; // the last row of W_2 is b_2
    const pixels = side * side;
    return Array.from({ length: pixels }, (_, p) => 1 / (1 + Math.exp(-step * h.reduce((sum, value, i) => sum + value * second[i * pixels + p], 0))));
  };

  figure.fold("Codes by slider", () => models.forEach((model) => {
    const { key, title, ends } = model;
    model.z = [0, 1].map((i) => figure.slider(`${key}${i + 1}`, `${title}: $z_${i + 1}$`, 0.01, ...ends[i]));
  }));
  for (const model of models) {
    model.second = figure.whole(model.letters);
    model.at = model.codes.map((code) => code.map((number) => number * model.codeStep));
  }
  let next = 0;
  figure.jumps([["Draw z from the prior, for both", () => {
    const z = draws[next];
    next = (next + 1) % draws.length;
    return [...z, ...z];
  }]]);
  for (const model of models) {
    model.map = figure.panel(0, "$z_1$", [["plain", `${model.title}, codes`], ["prior", "prior, radius 2"]], 2, 150);
    model.map.onDrag((...press) => {
      const move = (...to) => to.forEach((value, i) => { model.z[i].value = value; });
      move(...press);
      model.z[0].input.focus({ preventScroll: true });
      return move;
    }, true);
  }
  for (const model of models) model.picture = figure.panel(0, "", [["plain", "decoded"]], 2, 150);
  const show = figure.readouts(Object.fromEntries(models.map(({ key, title }) => [key, `${title}: nearest code`])));
  const circle = Array.from({ length: 61 }, (_, i) => [2 * Math.cos((i * Math.PI) / 30), 2 * Math.sin((i * Math.PI) / 30)]);

  return () => models.map(({ key, title, ends, map, picture, at, labels, usual, ...model }) => {
    const z = model.z.map((slider) => slider.value);
    map.begin(...ends, ...ends.map(([from, to]) => [from, 0, to]), () => {
      at.forEach((code, i) => map.text(...code, labels[i], "posterior"));
      map.line("prior", circle);
    });
    map.dot("generator", ...z, 7);
    picture.begin([0, 1], [0, 1]);
    picture.paint(decode(model, z), side);
    const nearest = Math.min(...at.map((code) => Math.hypot(code[0] - z[0], code[1] - z[1])));
    show({ [key]: nearest });
    return `${title}: ${nearest > usual ? "far from all codes, a guess." : "codes are near; of one kind, or mixed?"}`;
  }).join(" ");
});
