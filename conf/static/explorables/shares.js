/* Question 3 (a): a generator by hand on the page's ring, N(centre, sd^2) at eight centres on the unit circle, p_i = 1/8.

   The sliders count the samples n_i of each mode, of 1000: shares r_i = n_i / 1000. Where one of them moves, or their sum is not 1000,
   the others keep their proportions. The samples come from a fixed list: nothing is random.
   Captured: modes with a sample within three sd; effective number e^H, H = -sum_i r_i log r_i; KL(r || p) = log 8 - H. */
(() => {
  "use strict";
  const TOTAL = 1000;
  const SD = 0.05;
  const MODES = [0, 1, 2, 3, 4, 5, 6, 7];
  const MISSING = 0.1; // ratios r_i / p_i below are called close to zero

  /* Whole numbers that add up to total, by their weights, or equal ones: the running sums are rounded. */
  const split = (total, weights) => {
    const all = weights.reduce((sum, weight) => sum + weight);
    let run = 0;
    return weights.map((weight) => {
      const from = Math.round(run);
      run += total * (all ? weight / all : 1 / weights.length);
      return Math.round(run) - from;
    });
  };

  /* Around a centre, [radius in sd, angle], by the inverses of their distribution functions. */
  let state = 314159;
  const uniform = () => (state = (16807 * state) % 2147483647) / 2147483647; // Park and Miller's generator: the same for everybody
  const noise = Array.from({ length: TOTAL }, () => [Math.sqrt(-2 * Math.log(1 - uniform())), 2 * Math.PI * uniform()]);
  const samples = (mode, n) => Array.from({ length: n }, (_, j) => noise[(mode * 125 + j) % TOTAL]);

  Explorables.define("shares", (figure) => {
    figure.jumps([
      ["Honest", () => MODES.map(() => TOTAL / 8)],
      ["Modes missing", () => [333, 334, 333, 0, 0, 0, 0, 0]],
      ["Uneven", () => [650, 50, 50, 50, 50, 50, 50, 50]],
      ["Lucky", () => [993, 1, 1, 1, 1, 1, 1, 1]],
    ]);
    const sliders = figure.fold("Shares by slider", () => MODES.map((mode) => figure.slider(`mode${mode}`, `mode ${mode}`, 1, 0, TOTAL, (n) => `${(n / 10).toFixed(1)} %`)));
    const bars = figure.panel(0, "mode", [["dot generator", "$r_i$ in %: drag"], ["data dotted", "$p_i$"]], 2, 210);
    const ring = figure.panel(0, "", [["ring data", "captured"], ["dot generator", "samples"]], 2, 210);
    const show = figure.readouts({ captured: "captured", effective: "effective, $e^H$", divergence: "KL, nats", ratio: "smallest ratio" }, { captured: 0, effective: 2, divergence: 2, ratio: 2 });
    let [now, before, held] = [[], [], -1];
    const take = (counts) => {
      now = counts;
      sliders.forEach((slider, i) => { slider.value = now[i]; slider.show(); });
    };

    /* The others keep the proportions that they had before k was taken: they come back when it has been at the top. */
    const move = (k, n) => {
      if (k !== held) [held, before] = [k, now];
      const rest = split(TOTAL - n, before.filter((_, i) => i !== k));
      take([...rest.slice(0, k), n, ...rest.slice(k)]);
    };
    sliders.forEach(({ input }, k) => input.addEventListener("input", () => move(k, input.valueAsNumber), true)); // before it is drawn
    bars.onDrag((x, y) => {
      const k = Math.min(Math.max(Math.round(x), 0), 7);
      const to = (_, share) => move(k, Math.round(TOTAL * Math.min(Math.max(share, 0), 1)));
      bars.hold(sliders[k]);
      to(x, y);
      return to;
    }, true);

    return () => {
      const counts = sliders.map(({ value }) => value);
      if (String(counts) !== String(now)) { // a button, the address
        held = -1;
        take(split(TOTAL, counts));
      }
      const shares = now.map((n) => n / TOTAL);
      const found = now.map((n, mode) => samples(mode, n).some(([r]) => r <= 3));

      bars.height = figure.width < 420 ? 170 : Math.min(figure.width / 2, 274); // on a phone both panels and the numbers are seen at once
      bars.begin([-0.6, 7.6], [0, 1.12], MODES, [0, [0.5, "1/2"], 1]);
      bars.line("data dotted", [[-1, 1 / 8], [8, 1 / 8]]);
      ring.begin([-1.22, 1.22], [-1.22, 1.22]);
      const dots = shares.flatMap((share, i) => {
        bars.bar("generator", i, 0, share, 0.76);
        bars.text(i, share + 0.06, (100 * share).toFixed(share && share < 0.01 ? 1 : 0));

        const [x, y] = [Math.cos((i * Math.PI) / 4), Math.sin((i * Math.PI) / 4)];
        ring.dot(found[i] ? "data" : "marker dashed", x, y, 3 * SD * ring.scale);
        ring.text(0.7 * x, 0.7 * y, String(i));
        return samples(i, now[i]).map(([r, turn]) => [x + SD * r * Math.cos(turn), y + SD * r * Math.sin(turn)]);
      });
      ring.line("generator dots", dots, "h0M");

      const H = -shares.reduce((sum, r) => sum + (r && r * Math.log(r)), 0);
      const ratio = 8 * Math.min(...shares);
      const captured = found.filter(Boolean).length;
      const kept = shares.filter((r) => 8 * r >= MISSING).length;
      show({ captured, effective: Math.exp(H), divergence: Math.log(8) - H, ratio });
      if (kept === 8) return ratio > 0.9 ? "No collapse: every mode has its share." : "Uneven, not collapsed: no ratio is close to zero.";
      const left = kept === 1 ? "one mode is left" : `${kept} modes are left`;
      if (captured > kept) return `Collapsed: ${left}, though ${captured} are captured.`;
      return `${kept === 1 ? "Complete" : "Partial"} collapse: ${left}.`;
    };
  });
})();
