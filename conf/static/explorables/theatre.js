/* Questions 3 (b) and 3 (c): three training runs of one seed, side by side; the data come from a cell of 3 (b).

   Stored are, at so many steps, of each run: the counts n_k of all n samples by the nearest mode k; the places of some samples, x of
   all and then y; and D's logits on a grid, as greys. Letters tell how each picture differs from the one before.
   Shares r_k = n_k / n; modes in use exp(-sum_k r_k log r_k). */
Explorables.define("theatre", (figure) => {
  const { steps, chase, centres, radius, reach, side, total, runs } = figure.data;
  const end = steps.length;
  const modes = centres.length;
  const letters = [..."ABC"];

  /* "…"  ->  a list of numbers from 0 to 1 for each picture */
  const pictures = (text, most) => {
    const changes = figure.whole(text);
    const size = changes.length / end;
    let now = Array(size).fill(0);
    return steps.map((_, t) => {
      now = now.map((value, i) => value + changes[t * size + i]);
      return now.map((value) => value / most);
    });
  };
  for (const run of runs) {
    run.shares = run.counts.map((counts) => counts.map((n) => n / total));
    run.places = pictures(run.samples, 127);
    run.greys = pictures(run.field, 31);
  }

  const names = figure.radios("names", "Names", { hidden: "hidden", shown: "shown" });
  const moment = figure.slider("moment", "step", 1, 0, end - 1, (t) => String(steps[t]));
  figure.play(moment);
  figure.jumps([["First steps", () => [names.text, "0"]], ["The chase", () => [names.text, chase]]]);
  const row = (height, text) => letters.map((letter) => figure.panel(height, "", [["undefined", `${letter}: ${text}`]], 3, 60));
  const maps = row(0, "D’s map");
  const bars = row(70, "shares");
  const codes = row(86, "over time");
  const show = figure.readouts(Object.fromEntries(["modes", "top share"].flatMap((text) => letters.map((letter) => [text[0] + letter, `${letter}: ${text}`]))));
  codes.forEach((code) => code.slides((x) => Object.assign(moment, { value: Math.floor(x) })));

  return () => {
    const t = moment.value;
    const [numbers, crowds, movers] = [{}, [], []];
    runs.forEach(({ name, shares, places, greys }, i) => {
      const [letter, map, bar, code, now] = [letters[i], maps[i], bars[i], codes[i], shares[t]];
      const most = Math.max(...now);
      const role = (k, other) => (now[k] === most ? "marker" : other);

      map.begin([-reach, reach], [-reach, reach]);
      map.paint(greys[t], side);
      centres.forEach(([x, y], k) => map.dot(role(k, "data"), x, y, radius * map.scale));
      const at = places[t].map((place) => (2 * place - 1) * reach);
      at.slice(at.length / 2).forEach((y, k) => map.dot("generator", at[k], y, 2));
      if (names.text === "shown") map.text(0, 0.35 - reach, name);

      bar.begin([-0.6, modes - 0.4], [0, 1]);
      now.forEach((share, k) => bar.bar(role(k, "generator"), k, 0, share, 0.8));
      bar.line("distance", [[-1, 1 / modes], [modes, 1 / modes]]);

      // a row per mode, white where half of the samples are or more
      code.begin([0, end], [0, 1], [], [], () => code.paint(now.flatMap((_, k) => shares.map((all) => Math.min(2 * all[k], 1))), end));
      code.line("marker", [[t + 0.5, 0], [t + 0.5, 1]]);

      const used = Math.exp(-now.reduce((sum, r) => sum + (r && r * Math.log(r)), 0));
      Object.assign(numbers, { [`m${letter}`]: used, [`t${letter}`]: most });
      if (used < 2.5) crowds.push(letter);
      // in pictures that follow each other closely
      if (steps[t] - steps[t - 1] < 6 && most > 0.5 && Math.max(...shares[t - 1]) > 0.5 && shares[t - 1][now.indexOf(most)] < 0.5) movers.push(letter);
    });
    show(numbers);
    if (!t) return "The first weights: three times the same samples, and a D that has learnt nothing.";
    if (movers.length) return `The crowd of ${movers.join(" and ")} is on a new mode: look at the map where it was.`;
    return crowds.length ? `One crowd: ${crowds.join(", ")}.` : "No run sits on fewer than 2.5 modes at this step.";
  };
});
