/* Questions 2 (a) and 2 (b): both losses as functions of the overlap of p_data and p_gen, with the optimal discriminator.

   p = p_data is U[0, 1] or N(0, 1); q = p_gen is U[d, d + w] or N(d, w^2). Natural logarithms. With t = log p - log q, D* = S(t) = p / (p + q).
   The slope that the generator follows is the derivative with respect to d with D frozen at D*:
     log(1 - D):  d(2 JSD)/dd = -dL_D/dd;     -log D:  d[KL(q||p) - 2 JSD]/dd.
   The slope of the printed value is dL_G/dd; in it D* moves along with d. */
(() => {
  "use strict";
  const LOG2 = Math.log(2);
  const { range } = Explorables;

  const softplus = (t) => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));
  const sigmoid = (t) => 1 / (1 + Math.exp(-t));

  /* erf(x) = 2/sqrt(pi) exp(-x^2) (x + 2 x^3/3 + 4 x^5/15 + …): every term has the sign of x, so nothing cancels. */
  const erf = (x) => {
    if (Math.abs(x) > 6) return Math.sign(x);
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) sum += term *= (2 * x * x) / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  };

  const uniform = {
    reach: 2, far: 2.6, distances: [[LOG2, "log 2"]], view: [-2.2, 4.2], top: 2.15, one: 1.5, heights: [[0, "0", "0"], [0.75, "", "1/2"], 1, [1.5, "", "$D$* = 1"], 2], places: [-2, -1, 0, 1, 2, 3, 4], steps: 400,
    box: (from, width) => [[from, 0], [from, 1 / width], [from + width, 1 / width], [from + width, 0]],
    densities: (d, w) => [uniform.box(0, 1), uniform.box(d, w)],

    /* Where D* is constant: [from, to, D*], with D* = NaN where both densities are 0. */
    pieces(d, w) {
      const cuts = [uniform.view[0], 0, 1, d, d + w, uniform.view[1]].sort((a, b) => a - b);
      return cuts.slice(1).map((to, i) => {
        const middle = (cuts[i] + to) / 2;
        const p = middle > 0 && middle < 1 ? 1 : 0;
        const q = middle > d && middle < d + w ? 1 / w : 0;
        return [cuts[i], to, p / (p + q)];
      });
    },

    /* D* is w / (1 + w) on the overlap, of length o. It jumps at the edges: the slopes followed are limits of vanishing noise. */
    at(d, w) {
      const o = Math.max(0, Math.min(1, d + w) - Math.max(0, d));
      const g = Math.log1p(w) / w;
      const f = Math.log1p(1 / w) + g; // L_D = o f, L_G = -o g
      const [a, b] = [d, d + w - 1]; // gaps of the quantile functions at 0 and at 1; W_1 is the mean gap between
      const W_1 = a * b >= 0 ? Math.abs(a + b) / 2 : (a * a + b * b) / (2 * Math.abs(b - a));
      // no slopes where an edge of q meets an edge of p
      const kink = [d, d - 1, d + w, d + w - 1].some((gap) => Math.abs(gap) < 1e-9);
      const growth = o > 0 ? (d + w < 1) - (d > 0) : 0; // do/dd
      const inside = d > -1e-9 && d + w < 1 + 1e-9; // else KL(q||p) is infinite
      return {
        L_D: o * f, L_G: 0 - o * g, W_1,
        slope: kink ? "kink" : 0 - growth * g,
        saturating: kink ? "kink" : 0 - growth * f,
        nonsaturating: !inside ? "∞ loss" : kink ? "jump" : 0, // w < 1: both KL(q||p) = -log w and JSD are constant
      };
    },
  };

  const gaussian = {
    reach: 6, far: 2.6, distances: [2], view: [-8.5, 8.5], top: 0.86, one: 0.8, heights: [[0, "0", "0"], [0.4, "0.4", "1/2"], [0.8, "0.8", "$D$* = 1"]], places: [-8, -6, -4, -2, 0, 2, 4, 6, 8], steps: 60,
    density: (x, mean, sd) => Math.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * Math.sqrt(2 * Math.PI)),
    logit: (x, d, w) => 0.5 * ((x - d) / w) ** 2 - 0.5 * x * x + Math.log(w),
    densities: (d, w) => [[0, 1], [d, w]].map((law) => gaussian.graph((x) => gaussian.density(x, ...law))),
    graph: (f) => range(...gaussian.view, 240).map((x) => [x, f(x)]),

    /* Slopes: E_q[-D*^2 t'] of the printed value; followed, E_q[-D* t'] and E_q[-(1 - D*) t'].
       The trapezoidal rule converges exponentially for integrands as smooth as these. */
    at(d, w) {
      const from = Math.min(-10, d - 10 * w);
      const step = (Math.max(10, d + 10 * w) - from) / 400;
      let [L_D, L_G, slope, saturating, nonsaturating] = [0, 0, 0, 0, 0];
      for (let i = 0; i <= 400; i += 1) {
        const x = from + step * i;
        const t = gaussian.logit(x, d, w);
        const D = sigmoid(t);
        const q = gaussian.density(x, d, w) * step;
        const push = q * (x - (x - d) / (w * w)); // -q t'
        L_D += gaussian.density(x, 0, 1) * step * softplus(-t) + q * softplus(t);
        L_G -= q * softplus(t);
        slope += push * D * D;
        saturating += push * D;
        nonsaturating += push * (1 - D);
      }
      const a = Math.abs(w - 1); // W_1 = E|d + a z|, z ~ N(0, 1)
      const z = d / (a * Math.SQRT2);
      const W_1 = a ? a * Math.sqrt(2 / Math.PI) * Math.exp(-z * z) + d * erf(z) : Math.abs(d);
      return { L_D, L_G, W_1, slope, saturating, nonsaturating };
    },
  };

  const JUMP = "−log D* jumps to ∞ beside this point.";
  const FAMILIES = { uniform, gaussian };

  const sentence = (name, d, w, { L_D, slope, saturating, nonsaturating }) => {
    const kink = slope === "kink";
    if (d === 0 && w === 1) {
      return `Identical: $L_D$ = 2 log 2, $L_G$ = −log 2, D* = 1/2.${kink ? " A kink. " + JUMP : ""}`;
    }
    if (name === "gaussian") {
      if (d === 0) return "Same centre, other width: no slope over $d$, yet not the optimum.";
      const share = saturating / d < 0.1 ? "−log D has nearly all of it here" : "the farther apart, the smaller the share of log(1 − D)";
      return `$L_D$ never reaches 0. The followed slopes add up to $d$; ${share}.`;
    }
    let now = "Partial overlap: its length sets $L_D$ and $L_G$.";
    if (L_D === 0 && kink) now = "Touching: $L_D$ and $L_G$ reach 0 with a kink.";
    else if (L_D === 0) now = "No overlap: $L_D$ = 0, and $L_G$ = 0 is its worst. Only $W_1$ tells the distance.";
    else if (kink) now = "An edge of $p_gen$ meets an edge of $p_data$: a kink, and no slope.";
    else if (slope === 0) now = "One support inside the other: small shifts change nothing. Not optimal: $w$ is not 1.";
    if (nonsaturating === "∞ loss") return `${now} −log D* is infinite here.`;
    return nonsaturating === "jump" ? `${now} ${JUMP}` : now;
  };

  Explorables.define("overlap", (figure) => {
    const family = figure.radios("family", "Distributions", { uniform: "uniform", gaussian: "Gaussian" }, (name) => {
      shift.range(-FAMILIES[name].reach, FAMILIES[name].reach);
    });
    const shift = figure.slider("shift", "shift $d$ of $p_gen$", 0.01);
    const width = figure.slider("width", "width $w$ of $p_gen$", 0.01, 0.5, 2);
    figure.jumps([
      ["No overlap", () => ["uniform", "1.5", "1"]],
      ["Identical", () => [family.text, "0", "1"]],
    ]);
    const densities = figure.panel(220, "x", [["data", "$p_data$"], ["generator", "$p_gen$: pull it"], ["discriminator", "$D$*($x$)"]]);
    const losses = figure.panel(224, "d", [["undefined", "Losses and $W_1$ at every shift $d$"]]);
    densities.right = 48;
    const show = figure.readouts({
      L_D: "loss $L_D$", L_G: "loss $L_G$", W_1: "distance $W_1$",
      slope: "printed: slope of $L_G$", saturating: "followed: log(1 − D)", nonsaturating: "followed: −log D",
    });
    for (const panel of [densities, losses]) panel.slides(() => shift);

    return () => {
      const law = FAMILIES[family.text];
      const [d, w] = [shift.value, width.value];
      const now = law.at(d, w);
      const { one } = law; // D* = 1 stands at the height of this density
      densities.begin(law.view, [-0.04 * law.top, law.top], law.places, law.heights);
      law.densities(d, w).forEach((points, i) => densities.line(["data area", "generator area"][i], points));
      if (law === uniform) {
        for (const [from, to, D] of law.pieces(d, w)) {
          if (D >= 0) densities.line("discriminator", [[from, one * D], [to, one * D]]);
          else if (to - from > 0.4) densities.text((from + to) / 2, one / 2, "0/0", "discriminator");
        }
      } else densities.line("discriminator", gaussian.graph((x) => one * sigmoid(gaussian.logit(x, d, w))));
      const [centre, peak] = law === uniform ? [d + w / 2, 1 / w] : [d, gaussian.density(0, 0, w)];
      densities.grip("generator", centre, peak / 2);

      const reach = [-1.1 * law.reach, 1.1 * law.reach];
      losses.begin(reach, [-0.9, law.far], law.places.filter((at) => Math.abs(at) <= law.reach), [[-LOG2, "−log 2"], 0, [2 * LOG2, "2 log 2"], ...law.distances]);
      const curves = range(-law.reach, law.reach, law.steps).map((at) => [at, law.at(at, w)]);
      losses.line("marker", [[d, -0.9], [d, law.far]]);
      const lines = [["distance", "W_1"], ["discriminator", "L_D"], ["generator", "L_G"]];
      // W_1, convex, grows without end: above the upper edge its number tells it
      const seen = (value) => value <= law.far;
      for (const [role, name] of lines) losses.line(role, curves.map(([at, values]) => [at, values[name]]).filter(([, value]) => seen(value)));
      for (const [role, name] of lines) if (seen(now[name])) losses.dot(role, d, now[name]);
      losses.names(d, lines.map(([role, name]) => [role, Math.min(now[name], law.far), `$${name}$` + (seen(now[name]) ? "" : " ↑")]));

      show(now);
      return sentence(family.text, d, w, now);
    };
  });
})();
