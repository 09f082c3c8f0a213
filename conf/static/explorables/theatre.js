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

  const jump = Number(chase); // steps were left out before it: there "over time" has a gap, of so many columns
  const GAP = 2;
  const column = (t) => t + (t < jump ? 0 : GAP);
  const columns = column(end);
  const names = figure.radios("names", "Which one lags?", { hidden: "?", A: "A", B: "B", C: "C", shown: "all names" });
  const moment = figure.slider("moment", "step", 1, 0, end - 1, (t) => String(steps[t]));
  figure.play(moment, 300);
  figure.jumps([["First steps", () => [names.text, "0"]], ["The chase", () => [names.text, chase]]]);
  const row = (height, text, axis) => letters.map((letter) => {
    const panel = figure.panel(height, axis, [["undefined", `${letter}: ${text}`]], 3, 60);
    panel.left = 13; // one digit
    panel.box.firstElementChild.style.marginLeft = "13px";
    return panel;
  });
  const maps = row(0, "D’s map", "");
  const bars = row(102, "shares", "mode");
  const codes = row(122, "over time", "step");
  const show = figure.readouts(Object.fromEntries(["modes", "top share"].flatMap((text) => letters.map((letter) => [text[0] + letter, `${letter}: ${text}`]))),
    Object.fromEntries(letters.flatMap((letter) => [[`m${letter}`, 1], [`t${letter}`, 2]])));
  const follow = (x) => { moment.value = x < jump + GAP / 2 ? Math.min(Math.floor(x), jump - 1) : Math.max(Math.floor(x) - GAP, jump); };
  codes.forEach((code) => code.onDrag((x) => {
    moment.input.focus({ preventScroll: true }); // arrow keys go on from here
    follow(x);
    return follow;
  }));
  const used = (shares) => Math.exp(-shares.reduce((sum, r) => sum + (r && r * Math.log(r)), 0));
  /* What was guessed, and whether that is right; before it the figure does not give it away. */
  const guessed = () => {
    if (names.text === "shown") return runs.map(({ name }, i) => letters[i] + ": " + name).join("; ") + ". ";
    const run = runs[letters.indexOf(names.text)];
    if (!run) return "Which of the three lags? Choose its letter.";
    if (run.name === "lagging") return `Right: ${names.text}. With packs, some samples lie between circles. `;
    return `No: ${names.text} ends on ${used(run.shares[end - 1]).toFixed(1)} modes. Look for one crowd. `;
  };

  return () => {
    const t = moment.value;
    const [numbers, crowds, movers] = [{}, [], []];
    runs.forEach(({ shares, places, greys }, i) => {
      const [letter, map, bar, code, now] = [letters[i], maps[i], bars[i], codes[i], shares[t]];
      const most = Math.max(...now);
      const role = (k, other) => (now[k] === most ? "marker" : other);

      map.begin([-reach, reach], [-reach, reach]);
      map.paint(greys[t], side);
      centres.forEach(([x, y], k) => map.dot(role(k, "data"), x, y, radius * map.scale));
      centres.forEach(([x, y], k) => map.text(1.42 * x, 1.42 * y, String(k)));
      const at = places[t].map((place) => (2 * place - 1) * reach);
      at.slice(at.length / 2).forEach((y, k) => map.dot("generator", at[k], y, 2));

      bar.begin([-0.6, modes - 0.4], [0, 1], now.map((_, k) => k));
      now.forEach((share, k) => bar.bar(role(k, "generator"), k, 0, share, 0.8));
      bar.line("distance", [[-1, 1 / modes], [modes, 1 / modes]]);

      // a row per mode, white where half of the samples are or more
      const ticks = [[0.5, "0"], [jump - 0.5, String(steps[jump - 1])], [columns - 3.5, String(steps[end - 1])]];
      code.begin([0, columns], [modes, 0], ticks, now.map((_, k) => [k + 0.5, String(k)]), () => {
        code.paint(now.flatMap((_, k) => shares.flatMap((all, i) => [...(i === jump ? [0, 0] : []), Math.min(2 * all[k], 1)])), columns);
        code.bar("gap", jump + GAP / 2, modes, 0, GAP);
      });
      code.line("marker", [[column(t) + 0.5, 0], [column(t) + 0.5, modes]]);

      const inUse = used(now);
      Object.assign(numbers, { [`m${letter}`]: inUse, [`t${letter}`]: most });
      if (inUse < 2.5) crowds.push(letter);
      // in pictures that follow each other closely
      if (steps[t] - steps[t - 1] < 6 && most > 0.5 && Math.max(...shares[t - 1]) > 0.5 && shares[t - 1][now.indexOf(most)] < 0.5) movers.push(letter);
    });
    show(numbers);
    const guess = guessed();
    if (!t) return `${guess} The first weights: the same generator in all three, and D knows nothing yet.`;
    if (names.text !== "shown" && !guess.startsWith("Right")) return guess;
    if (movers.length) return `${guess}Most samples of ${movers.join(" and ")} are on a new mode: look at the map where they were.`;
    return guess + (crowds.length ? `One crowd: ${crowds.join(", ")}.` : "No run sits on fewer than 2.5 modes at this step.");
  };
});
