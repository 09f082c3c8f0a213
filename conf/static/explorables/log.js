/* Reading a training log: six runs, each with both losses of the generator; their samples stay hidden until the reader asks.

   Stored are, of each run and loss: both curves, a mean of every five steps in thousandths; the paths of some samples over the
   moments, x and y, 0 to 127 across the panel, in letters; and data, those that it was trained on and new ones, in hundredths.
   Shown are means over the steps since the moment before. */
Explorables.define("log", (figure) => {
  const { steps, every, runs } = figure.data;
  const moments = steps / every;
  const states = {
    chase: "A chase: all samples run together from mode to mode. Move the step.",
    memory: "Learnt by heart: only four points were given. Most new data have no sample nearby.",
    apart: "No overlap: the generator is a thousand times slower and hardly moves.",
    healthy: "Healthy: both players learn at the same rate. At the end there are samples near all modes.",
    dead: "A dead discriminator: it says one half everywhere, so no sample moves.",
    standing: "A standing collapse: the discriminator is fast. At the end most modes have no samples.",
  };
  for (const run of runs) {
    for (const kind of ["non-saturating", "saturating"]) {
      const log = run[kind];
      log.curves = log.curves.map((curve) => curve.map((value) => value / 1000));
      const paths = figure.whole(log.samples).map((value) => (value * 2 / 127 - 1) * run.reach);
      log.at = (t) => paths.flatMap((x, i) => (i < paths.length / 2 && i % moments === t ? [[x, paths[i + paths.length / 2]]] : []));
    }
    for (const kind of ["trained", "new"]) run[kind] = run[kind].map((point) => point.map((value) => value / 100));
  }

  const which = figure.radios("run", "Run", Object.fromEntries(runs.map((_, i) => [i + 1, String(i + 1)])));
  const loss = figure.radios("loss", "Generator’s loss", { "non-saturating": "−log D", saturating: "log(1 − D)" });
  const answer = figure.radios("answer", "Samples", { hidden: "hidden", shown: "shown" });
  const step = figure.slider("step", "step", every, every, steps);
  figure.play(step, 400);
  figure.jumps([]);
  const log = figure.panel(216, "step", [["discriminator", "$L_D$"], ["generator", "generator’s loss"]], 1.5, 360);
  const map = figure.panel(0, "", [["data dot", "data"], ["data ring", "new data"], ["generator dot", "samples"]], 3, 180);
  const show = figure.readouts({ D: "$L_D$, last 50 steps", G: "generator, last 50 steps" }, { D: 3, G: 3 });
  map.square = 200;
  log.left = 54; // room for the names of the lines
  log.box.firstElementChild.style.marginLeft = "54px";
  log.slides(() => step);

  return () => {
    const run = runs[which.text - 1];
    const { curves, at } = run[loss.text];
    const all = curves.flat();
    const high = Math.max(1.5, ...all);
    const room = [Math.min(-0.1, ...all) - 0.05 * high, 1.05 * high];
    const between = high > 5 ? "" : "log 2"; // no room for a name between 0 and 2 log 2
    const rests = [[0, "0"], [Math.log(2), between], [2 * Math.log(2), "2 log 2"], ...(loss.text === "saturating" ? [[-Math.log(2), "−log 2"]] : [])];
    log.begin([0, 1.04 * steps], room, [0, steps / 2, steps], [...rests, ...[3, 5, 10, 15].filter((value) => value < high && (value > 3 || high < 5))]);
    for (const [i, role] of ["discriminator", "generator"].entries()) {
      log.line(role, curves[i].map((value, k) => [((k + 0.5) * steps) / curves[i].length, value]));
    }
    log.line("marker", [[step.value, room[0]], [step.value, room[1]]]);

    map.begin([-run.reach, run.reach], [-run.reach, run.reach]);
    const open = answer.text === "shown";
    if (open) {
      for (const [x, y] of run.trained) map.dot("data", x, y, 3.5);
      for (const [x, y] of run.new) map.dot("data ring", x, y, 5);
      for (const [x, y] of at(step.value / every - 1)) {
        if (Math.max(Math.abs(x), Math.abs(y)) < run.reach) map.dot("generator", x, y, 3); // at the edge: outside
      }
    } else map.text(0, 0, "hidden");

    const [D, G] = curves.map((curve) => {
      const per = (every * curve.length) / steps;
      const now = (step.value / every) * per;
      return curve.slice(now - per, now).reduce((sum, value) => sum + value) / per;
    });
    show({ D, G });
    return open ? states[run.name] : "Which state is it? Decide, then show the samples.";
  };
});
