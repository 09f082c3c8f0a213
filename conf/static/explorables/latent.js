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

  const drawn = []; // the last ten draws, each with what both models make of it
  let next = 0;
  figure.jumps([["Draw from the prior", () => {
    const z = draws[next];
    next = (next + 1) % draws.length;
    drawn.push({ z, images: models.map((model) => decode(model, z)) });
    if (drawn.length > 10) drawn.shift();
    return [...z, ...z];
  }]]);
  figure.row.lastChild.addEventListener("click", () => { // Reset
    drawn.length = 0;
    figure.show();
  });
  figure.fold("Codes by slider", () => models.forEach((model) => {
    const { key, title, ends } = model;
    model.z = [0, 1].map((i) => figure.slider(`${key}${i + 1}`, `${title}: $z_${i + 1}$`, 0.01, ...ends[i]));
  }));
  for (const model of models) {
    model.second = figure.whole(model.letters);
    model.at = model.codes.map((code) => code.map((number) => number * model.codeStep));
  }
  for (const model of models) {
    model.map = figure.panel(0, "z₁", [["plain", model.title]], 2, 120);
    model.map.square = 170;
    model.map.onDrag((...press) => {
      const move = (...to) => to.forEach((value, i) => { model.z[i].value = value; });
      move(...press);
      model.map.hold(model.z[0]);
      return move;
    }, true);
  }
  for (const model of models) {
    model.picture = figure.panel(0, "", [["plain", "decoded"]], 2, 120);
    Object.assign(model.picture, { left: model.map.left, square: 116 }); // below its map
    model.picture.box.firstElementChild.style.marginLeft = `${model.map.left}px`;
  }
  for (const model of models) model.strip = figure.panel(1, "", [["plain", `${model.title}: the last ten draws`]]);
  const show = figure.readouts(
    Object.fromEntries(models.map(({ key, title }) => [key, `${title}: distance to the nearest code`])),
    Object.fromEntries(models.map(({ key }) => [key, 2])),
  );
  const roles = ["walk", "posterior"]; // the autoencoder has no posterior
  const circle = Array.from({ length: 61 }, (_, i) => [2 * Math.cos((i * Math.PI) / 30), 2 * Math.sin((i * Math.PI) / 30)]);


  /* In a corner of the VAE's map: its codes and the prior's circle on the scale of the autoencoder's map. */
  const inset = (map, [across, up], at) => {
    const size = 0.3 * (across[1] - across[0]);
    const shrink = size / (models[0].ends[0][1] - models[0].ends[0][0]);
    const [x, y] = [across[1] - size / 2, up[1] - size / 2];
    map.bar("inset", x, y - size / 2, y + size / 2, size);
    for (const code of at) {
      const at0 = y + shrink * code[1];
      map.bar("posterior", x + shrink * code[0], at0, at0 + 1.5 / map.scale, 1.5 / map.scale);
    }
    map.line("prior thin", circle.map(([u, v]) => [x + shrink * u, y + shrink * v]));
    map.text(across[1] - 2 / map.scale, y - size / 2 + 5 / map.scale, "same scale", "code tick ink");
  };

  return () => models.map((model, m) => {
    const { key, title, ends, map, picture, strip, at, labels, usual } = model;
    const z = model.z.map((slider) => slider.value);
    map.begin(...ends, ...ends.map(([from, to]) => [from, 0, to]), () => {
      at.forEach((code, i) => map.text(...code, labels[i], `code ${roles[m]}`));
      map.line("prior", circle);
      map.text(0, -2 - 11 / map.scale, "prior", "prior code");
      map.text(ends[0][0] + 9 / map.scale, ends[1][1] - 11 / map.scale, "z₂", "axis");
      if (m) inset(map, ends, at);
    });
    drawn.forEach((draw) => map.dot("prior", ...draw.z, 3));
    map.dot("ink", ...z, 7);
    picture.begin([0, 1], [0, 1]);
    picture.paint(decode(model, z), side);
    strip.height = 10 + Math.round((figure.width - 10) / 10); // square tiles
    strip.begin([0, 10], [0, 1]);
    strip.paint(Array.from({ length: 10 * side * side }, (_, i) => {
      const draw = drawn[Math.floor((i % (10 * side)) / side)];
      return draw ? draw.images[m][Math.floor(i / (10 * side)) * side + (i % side)] : 0;
    }), 10 * side);
    if (!drawn.length) strip.text(5, 0.5, "none yet", "blank");
    const distances = model.at.map((code) => Math.hypot(code[0] - z[0], code[1] - z[1]));
    const distance = Math.min(...distances);
    show({ [key]: distance });
    const near = `near the code of a ${labels[distances.indexOf(distance)]}.`;
    return `${title}: ${distance > usual ? "far from all codes, a guess." : near}`;
  }).join(" ");
});
