/* Question 1 (d): a code that leaves the phase of a square wave open by w of n pixels is shared by w images x_s,
     x_s(i) = 1 where (i - s - n/4) mod n < n/2, else -1,   s = 0 … w - 1.
   The best decoder draws their mean; its best variance is the mean squared error, sigma^2 = mean of x_s(i)^2 - mean(i)^2, where x_s(i)^2 = 1.
   A sample of p(x|z) is mean + sigma noise; the noise is the page's. High frequencies: above 1/4 cycle per pixel. */
Explorables.define("blur", (figure) => {
  const { noise } = figure.data;
  const n = noise.length;
  const total = (list) => list.reduce((sum, value) => sum + value);
  const ambiguity = figure.slider("ambiguity", "pixels $w$ left open by the code", 1, 1, n);
  figure.jumps([["Code knows all", () => ["1"]], ["Code knows nothing", () => [String(n)]]]);
  const keys = [["data", "image"], ["posterior dashed", "mean"], ["posterior thin", "sample"]];
  const curves = figure.panel(150, "pixel", [["data thin", "same code"], ...keys.slice(0, 2)]);
  const strips = figure.panel(130, "pixel", [["undefined", "As images. Pull here or above."]]);
  const spectrum = figure.panel(170, "frequency, cycles per pixel", [["undefined", "log₁₀ power"]]);
  const show = figure.readouts({ slope: "steepest slope of the mean", variance: "variance left out, σ²", kept: "high frequencies: mean / image", grain: "high frequencies: sample / image" });
  for (const panel of [curves, strips]) panel.slides(() => ambiguity);

  return () => {
    const w = ambiguity.value;
    const members = noise.slice(0, w).map((_, s) => noise.map((_, i) => ((i - s + (7 * n) / 4) % n < n / 2 ? 1 : -1)));
    const mean = noise.map((_, i) => total(members.map((x) => x[i])) / w);
    const variance = 1 - total(mean.map((value) => value ** 2)) / n;
    const shown = [members[w >> 1], mean, mean.map((value, i) => value + Math.sqrt(variance) * noise[i])];

    const places = Explorables.range(0, n, 4);
    curves.begin([0, n], [-1.2, 1.2], places, [-1, 0, 1]);
    const draw = (role, x) => curves.line(role, x.flatMap((value, i) => [[i, value], [i + 1, value]]));
    for (let s = 0; s < w; s += Math.ceil(w / 8)) draw("data thin", members[s]);
    for (const i of [0, 1]) draw(keys[i][0], shown[i]);

    strips.begin([0, n], [0, 3], places, [[2.5, "image"], [1.5, "mean"], [0.5, "sample"]]);
    strips.paint(shown.flat().map((value) => (value + 1) / 2), n);
    for (const y of [1, 2]) strips.line("grid", [[0, y], [n, y]]);

    spectrum.begin([0, 0.7], [-7, 0.5], [0, [0.25, "high from 1/4"], [0.5, "1/2"]], [-6, -4, -2, 0]);
    spectrum.line("grid", [[0.25, -7], [0.25, 1]]);
    const ends = [];
    const [data, kept, added] = shown.map((x, i) => {
      // P(k) = |sum_j x(j) exp(-2 pi i j k / n)|^2 / n^2, for k = 0 … n/2, with the power of -k added
      const P = noise.slice(0, n / 2 + 1).map((_, k) => {
        const part = (wave) => total(x.map((value, j) => value * wave((2 * Math.PI * k * j) / n))) / n;
        return (part(Math.cos) ** 2 + part(Math.sin) ** 2) * (k % (n / 2) ? 2 : 1);
      });
      const points = P.map((value, k) => [k / n, Math.log10(Math.max(value, 1e-9))]);
      const odd = points.filter((_, k) => k % 2); // a square wave has no others
      spectrum.line(keys[i][0], odd);
      ends.push([keys[i][0], odd.at(-1)[1], keys[i][1]]);
      return total(P.slice(n / 4 + 1));
    });

    spectrum.names(0.5, ends, 4);
    show({ slope: Math.max(...mean.map((value, i) => Math.abs(value - mean.at(i - 1)))), variance, kept: kept / data, grain: added / data });
    if (w === 1) return "The mean is the image: nothing is left to be noise.";
    if (w === n) return "The mean of all images is an even grey: the code says nothing.";
    return `${2 * w > n ? "Ramps have met: black and white fade" : "Edges have become ramps"}. The sample adds grain, no edge.`;
  };
});
