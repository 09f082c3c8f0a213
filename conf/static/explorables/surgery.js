/* Question 1 (b): ELBO surgery on posteriors q_i = N(m_i, s^2) on the line, with the prior p = N(0, 1) and the aggregate q, the mean of all q_i.

     rate R = mean KL(q_i || p) = mean (m_i^2 + s^2 - 1) / 2 - log s, in closed form;
     information I = mean E_{q_i}[log q_i / q] and marginal K = KL(q || p) = mean E_{q_i}[log q / p], as integrals.
   R = I + K checks the integrals. Natural logarithms. */
(() => {
  "use strict";
  const { range } = Explorables;
  const NODES = range(-7, 7, 56);
  const mean = (list, f) => list.reduce((sum, item) => sum + f(item), 0) / list.length;
  const density = (z, m, s) => Math.exp(-(((z - m) / s) ** 2) / 2) / s / Math.sqrt(2 * Math.PI);
  const aggregate = (z, means, s) => mean(means, (m) => density(z, m, s));

  /* z = m + s u: in u the integrands are bells times smooth functions, where the trapezoidal rule converges exponentially. */
  const terms = (means, s) => {
    let [information, marginal] = [0, 0];
    for (const m of means) {
      for (const u of NODES) {
        const z = m + s * u;
        const q = aggregate(z, means, s);
        const mass = density(u, 0, 1) / 4 / means.length;
        information += mass * Math.log(density(z, m, s) / q);
        marginal += mass * Math.log(q / density(z, 0, 1));
      }
    }
    return { rate: mean(means, (m) => (m * m + s * s - 1) / 2) - Math.log(s), information, marginal };
  };

  Explorables.define("surgery", (figure) => {
    const { even } = figure.data; // means of narrow posteriors that together are nearly the prior
    const width = figure.slider("width", "width $s$ of all", 0.01, -2, 0.5, (log) => (10 ** log).toPrecision(3));
    const centres = figure.fold("Means by slider", () => even.map((_, i) => figure.slider(`mean${i + 1}`, `mean ${i + 1}`, 0.01, -2.5, 2.5)));
    const jump = (log, f) => () => [log, ...centres.map(f)];
    const first = (_, i) => figure.defaults[i + 1];
    figure.jumps([
      ["Needles", jump("-2", first)],
      ["Width 1", jump("0", first)],
      ["Each the prior", jump("0", () => "0")],
      ["Together the prior", jump("-0.3", (_, i) => String(even[i]))],
    ]);
    const keys = [["ink", "rate"], ["posterior dashed", "information"], ["prior dotted", "KL($q$ ‖ $p$)"]];
    const line = figure.panel(190, "z", [["posterior thin", `posteriors ÷ ${even.length}: pull a dot`], ["posterior", "aggregate $q$($z$)"], ["prior", "prior $p$($z$)"]]);
    const nats = figure.panel(250, "s", [["undefined", "Nats at every width $s$"]]);
    const show = figure.readouts({ rate: "rate", information: "information", marginal: "KL($q$($z$) ‖ $p$($z$))", variance: "variance of $q$($z$)" });
    line.slides((x) => [...centres].sort((a, b) => Math.abs(a.value - x) - Math.abs(b.value - x))[0]);
    nats.slides(() => width);

    return () => {
      const s = 10 ** width.value;
      const means = centres.map(({ value }) => value);

      line.begin([-5, 5], [-0.06, 1], [-4, -2, 0, 2, 4], [0, [0.5, "1/2"], 1]);
      const graph = (role, places, f) => line.line(role, places.map((z) => [z, f(z)]));
      const around = (m) => NODES.map((u) => m + (s * u) / 2); // needles need points of their own
      const places = range(-5, 5, 200).concat(...means.map(around)).sort((a, b) => a - b);
      graph("prior", places, (z) => density(z, 0, 1));
      graph("posterior area", places, (z) => aggregate(z, means, s));
      for (const { input, value } of centres) {
        const area = input === figure.held ? "area" : "";
        graph(`posterior thin ${area}`, around(value), (z) => density(z, value, s) / means.length);
        line.dot("posterior", value, 0, 6);
      }
      if (density(0, 0, s) > means.length) line.text(4.9, 0.92, "higher than drawn", "tick");

      const now = terms(means, s);
      const most = Math.log(means.length);
      nats.begin([-2.1, 0.6], [-0.3, 7.5], [[-2, "1/100"], [-1, "1/10"], [0, "1"]], [0, [most, `log ${even.length}`], 4, 6]);
      nats.line("marker", [[width.value, -1], [width.value, 8]]);
      const curves = range(-2, 0.5, 40).map((log) => [log, Object.values(terms(means, 10 ** log))]);
      const found = Object.values(now);
      keys.forEach(([role], i) => nats.line(role, curves.map(([log, values]) => [log, values[i]])));
      keys.forEach(([role], i) => nats.dot(role, width.value, found[i]));
      nats.names(width.value, keys.map(([role, name], i) => [role, found[i], name]));

      show({ ...now, variance: s * s + mean(means, (m) => m * m) - mean(means, (m) => m) ** 2 });
      if (now.information < 1e-3) return "All alike: a code says nothing about its image.";
      if (now.information > most - 0.1) return "Needles: a code nearly names its image. Narrower, it is mostly the holes that grow.";
      if (now.marginal < 0.02 && s < 0.9) return "Together nearly the prior, though none of them is.";
      if (s === 1) return "The cheapest width: only the mean term is left.";
      return `Blobs overlap: a code tells ${Math.exp(now.information).toFixed(1)} images apart.`;
    };
  });
})();
