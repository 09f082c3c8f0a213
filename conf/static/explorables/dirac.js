/* Question 3 (b): the Dirac-GAN. The data are the point 0, the generator is the point theta, D's logit is t(x) = psi x.

   Both go downhill: theta' = a psi, psi' = -b theta - gamma psi, where a and b are the slopes of the losses by the logit:
     log(1 - D):  a = b = S(psi theta);     -log D:  a = S(-psi theta), b = S(psi theta);     Wasserstein:  a = b = 1.
   At the equilibrium a = b = f. There one step of size h multiplies (theta, psi) by a matrix with
     at once:              trace 2 - h gamma,            determinant 1 - h gamma + (h f)^2;
     in turns, D first:    trace 2 - h gamma - (h f)^2,  determinant 1 - h gamma.
   Its eigenvalues z solve z^2 - trace z + determinant = 0. Where they are not real, the path turns; |z| > 1 leads away. */
Explorables.define("dirac", (figure) => {
  const STEPS = 200;
  const loss = figure.radios("loss", "Loss of G", { saturating: "log(1 − D)", "non-saturating": "−log D", wasserstein: "Wasserstein" });
  const updates = figure.radios("updates", "Updates", { simultaneous: "at once", alternating: "in turns" });
  const gamma = figure.slider("gamma", "R1: γ", 0.05, 0, 2);
  const rate = figure.slider("rate", "step $h$", 0.05, 0.05);
  const [theta, psi, shown] = figure.fold("Start and steps by slider", () => [
    ...[["theta", "θ"], ["psi", "ψ"]].map(([name, letter]) => figure.slider(name, `start ${letter}`, 0.05, -2, 2)),
    figure.slider("shown", "steps shown", 1, 0, STEPS),
  ]);
  figure.play(shown, 60);
  const jump = (label, ...state) => [label, () => [loss.text, ...state, ...figure.defaults.slice(3)]];
  figure.jumps([jump("Simultaneous", "simultaneous", 0), jump("Alternating", "alternating", 0), jump("R1", "simultaneous", 0.5)]);
  const plane = figure.panel(0, "θ", [["walk dot", "steps: drag"], ["distance", "circle"]], 5 / 3, 240);
  const away = figure.panel(1, "steps", [["walk", "distance"]], 5 / 2, 150);
  const show = figure.readouts({ factor: "factor per step, |z|", start: "first distance", end: "last distance" }, { factor: 4, start: 2, end: 2 });
  let reach; // of the axes: wider for a path that leads farther out; not while the reader holds the start
  let held = false;
  const move = (x, y) => {
    theta.value = x;
    psi.value = y;
  };
  plane.svg.addEventListener("lostpointercapture", () => {
    held = false;
    figure.show();
  });
  plane.onDrag((x, y) => {
    plane.hold(theta);
    held = true;
    move(x, y);
    return move;
  }, true);

  /* A short arrow at (x, y) in a direction; sizes are pixels. */
  const arrow = (x, y, u, v, pixel) => {
    const length = Math.hypot(u, v) / pixel;
    if (!length) return;
    const [a, b] = [u / length, v / length];
    const at = (along, beside) => [x + along * a - beside * b, y + along * b + beside * a];
    plane.line("field", [at(-6, 0), at(6, 0), at(2, 3), at(6, 0), at(2, -3)]);
  };

  return () => {
    const [g, h, turns, linear] = [gamma.value, rate.value, updates.text === "alternating", loss.text === "wasserstein"];
    const S = (t) => (linear ? 1 : 1 / (1 + Math.exp(-t)));
    const sign = loss.text === "non-saturating" ? -1 : 1;
    const path = [[theta.value, psi.value]];
    for (let i = 0; i < STEPS; i += 1) {
      const [x, y] = path[i];
      const next = y - h * (S(x * y) * x + g * y);
      const seen = turns ? next : y; // the psi that G's gradient is taken at
      path.push([x + h * S(sign * x * seen) * seen, next]);
    }
    const radii = path.map((point) => Math.hypot(...point));
    const [start, end] = [radii[0], radii[shown.value]];
    const farthest = Math.max(...path.flat().map(Math.abs));
    if (!held) reach = [2.6, 3.9].find((room) => farthest < room) ?? 5.2;

    const turn = (linear ? h : h / 2) ** 2; // (h f)^2
    const determinant = 1 - h * g + (turns ? 0 : turn);
    const half = 1 - (h * g + (turns ? turn : 0)) / 2; // of the trace
    const root = half * half - determinant;
    const factor = root < 0 ? Math.sqrt(determinant) : Math.abs(half) + Math.sqrt(root);

    const ticks = reach > 4 ? [-4, 0, 4] : [-2, 0, 2];
    plane.square = figure.width < 400 ? 200 : 264; // on a phone both panels are seen above the slider
    plane.begin([-reach, reach], [-reach, reach], ticks, ticks);
    const pixel = 1 / plane.scale;
    for (const x of Explorables.range(-0.8 * reach, 0.8 * reach, 6)) {
      for (const y of Explorables.range(-0.8 * reach, 0.8 * reach, 6)) arrow(x, y, S(sign * x * y) * y, -S(x * y) * x - g * y, pixel);
    }
    plane.text(9 * pixel - reach, reach - 11 * pixel, "ψ", "axis");
    plane.line("distance", Explorables.range(0, 2 * Math.PI, 72).map((angle) => [start * Math.cos(angle), start * Math.sin(angle)]));
    const trodden = path.slice(0, shown.value + 1).map((point) => point.map((value) => Math.max(-6, Math.min(value, 6)))); // farther out nothing is seen
    plane.line("walk thin", trodden);
    for (const point of trodden) plane.dot("walk step", ...point, 2);
    plane.dot("data", 0, 0);
    plane.dot("walk", ...path[0], 7);

    // in powers of ten
    away.height = Math.min(plane.across + 42, figure.width < 400 ? 120 : Infinity); // as high as the plane, where it stands beside it
    away.begin([0, STEPS + 9], [-3, 2.2], [0, 100, 200], [[-2, "0.01"], [0, "1"], [2, "100"]]);
    away.text(55, 1.6, "log scale", "axis");
    away.line("walk", radii.slice(0, shown.value + 1).map((radius, i) => [i, Math.log10(radius + 1e-9)]));

    show({ factor, start, end: end < 1e6 ? end : "> 10⁶" });
    if (!start) return "At the goal nothing moves: drag the start away.";
    const inwards = sign < 0 ? " Farther out, −log D draws it in." : "";
    if (Math.abs(factor - 1) < 1e-9) return `|z| = 1: near the goal the path goes round and round.${inwards}`;
    if (factor > 1) return `Near the goal outwards: ${g ? "these steps are too large for this penalty" : "each step goes straight on where the circle bends"}.${inwards}`;
    if (Math.abs(root) < 1e-9) return "Critical: from this γ on the path no longer turns. No other gets there as fast.";
    return `Inwards${root < 0 ? ": R1 pulls ψ back, and the circle becomes a spiral" : " without turning: more γ slows D down, and with it G"}.`;
  };
});
