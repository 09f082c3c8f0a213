/* A GAN on points in the plane, as genmodels.gan trains it; its rules have the names of GANConfig. Needs engine.js.

   const game = new Game(room, rules, units, seed);
   game.learnD(real, z); game.learnG(z);  // each returns its loss before the update, as train_step does; z by game.latents()
   game.samples(z);                       // any number of them
   game.logits(points, others);           // see there  */
(() => {
  "use strict";
  const BATCH = 64; // samples in an update, as many real as generated
  const BETAS = [0.5, 0.999]; // of Adam, as in DCGAN
  const TINY = 1e-8; // keeps the slope of the standard deviation finite
  const { sigmoid, softplus, Network, Random } = Engine;
  const RULES = { loss: "non-saturating", discriminator_steps: 1, lr_D: 2e-3, lr_G: 2e-3, pack: 1, minibatch_std: false, r1: 0, gradient_penalty: 0 };

  /* Of a logit t of a real sample, a generated one when D learns, a generated one when G learns: [loss, its slope by t]. */
  const usual = { real: (t) => [softplus(-t), -sigmoid(-t)], fake: (t) => [softplus(t), sigmoid(t)] };
  const LOSSES = {
    "non-saturating": { ...usual, generator: usual.real }, // -log D
    saturating: { ...usual, generator: (t) => [-softplus(t), -sigmoid(t)] }, // log(1 - D)
    wasserstein: { real: (t) => [-t, -1], fake: (t) => [t, 1], generator: (t) => [-t, -1] },
  };

  class Game {
    constructor(room, rules, units = 64, seed = 0) {
      this.room = room;
      this.units = units;
      this.seed = seed;
      this.change(rules);
      this.G = new Network(room, [2, units, units, 2], BATCH);
      this.G.begin(new Random(seed, 0));
      this.random = new Random(seed, 2);
      this.renewD();
    }

    /* Other rules from now on. What changes the shape of D asks for renewD. */
    change(rules) {
      this.rules = { ...RULES, ...rules };
      this.loss = LOSSES[this.rules.loss];
    }

    renewD() {
      const { pack, minibatch_std: std } = this.rules;
      this.D = new Network(this.room, [2 * pack + std, this.units, this.units, 1], Math.max((2 * BATCH) / pack, 64));
      this.D.begin(new Random(this.seed, 1));
    }

    latents() {
      return this.random.normals(2 * BATCH);
    }

    /* moves: whether the player takes the step, or its loss is only measured. */
    learnD(real, z, moves = true) {
      const { D, rules } = this;
      const n = BATCH / rules.pack;
      const fake = this.generate(z);
      this.ask(real, 0);
      this.ask(fake, n);
      D.forward(2 * n);
      const loss = this.judge(this.loss.real, 0, n) + this.judge(this.loss.fake, n, n);
      if (!moves) return loss;
      D.backward(2 * n);
      D.collect(2 * n);
      if (rules.r1) this.penalise(real, (slope) => rules.r1 * slope);
      if (rules.gradient_penalty) {
        // d/d slope of (|slope| - 1)^2, at points between real and generated samples
        const between = real.map((x, i) => fake[i] + ((x - fake[i]) * Math.floor(i / 2)) / (BATCH - 1));
        this.penalise(between, (slope, norm) => 2 * rules.gradient_penalty * (norm && 1 - 1 / norm) * slope);
      }
      D.adam(rules.lr_D, ...BETAS);
      return loss;
    }

    learnG(z, moves = true) {
      const { G, D, rules } = this;
      const n = BATCH / rules.pack;
      const fake = this.generate(z);
      this.ask(fake, 0);
      D.forward(n);
      const loss = this.judge(this.loss.generator, 0, n);
      D.backward(n, true);
      this.pull = this.answer(fake);
      if (moves) {
        G.outputSlope.put(this.pull);
        G.backward(BATCH);
        G.collect(BATCH);
        G.adam(rules.lr_G, ...BETAS);
      }
      return loss;
    }

    /* BATCH samples for BATCH codes z. */
    generate(z) {
      this.G.input.put(z);
      this.G.forward(BATCH);
      return this.G.output.get(BATCH);
    }

    samples(z) {
      const all = new Float32Array(z.length);
      for (let i = 0; i < z.length; i += 2 * BATCH) all.set(this.generate(z.subarray(i, i + 2 * BATCH)).subarray(0, z.length - i), i);
      return all;
    }

    /* Lays samples before D, from a row on: packs of them, and how much they vary over the batch. */
    ask(samples, first) {
      const { D, rules: { pack, minibatch_std: std } } = this;
      const { floats, width } = D.input;
      for (let i = 0, to = first * width; i < samples.length; to += width) {
        for (let k = 0; k < 2 * pack; k++) floats[to + k] = samples[i++];
      }
      if (!std) return;
      this.spread = this.spreads(samples);
      const s = this.spread.reduce((sum, [, sd]) => sum + sd, 0) / (2 * pack);
      for (let row = first; row < first + BATCH / pack; row++) floats[row * width + 2 * pack] = s;
    }

    /* [mean, sqrt(Var + tiny)] over the batch, of each number of a pack. */
    spreads(samples) {
      const columns = 2 * this.rules.pack;
      const n = samples.length / columns;
      return Array.from({ length: columns }, (_, k) => {
        let [sum, squares] = [0, 0];
        for (let i = k; i < samples.length; i += columns) sum += samples[i];
        for (let i = k; i < samples.length; i += columns) squares += (samples[i] - sum / n) * (samples[i] - sum / n);
        return [sum / n, Math.sqrt(squares / n + TINY)];
      });
    }

    /* The mean loss of the logits of n rows; their slopes go where backward begins. */
    judge(loss, first, n) {
      const { output, outputSlope } = this.D;
      let sum = 0;
      for (let row = first; row < first + n; row++) {
        const [value, slope] = loss(output.floats[row * output.width]);
        sum += value;
        outputSlope.floats[row * output.width] = slope / n;
      }
      return sum / n;
    }

    /* G's loss by each of the samples that lie before D: by their places in packs, and by the spread of the batch. */
    answer(samples) {
      const { D, rules: { pack, minibatch_std: std } } = this;
      const { floats, width } = D.inputSlope;
      const [columns, n] = [2 * pack, BATCH / pack];
      let bySpread = 0;
      if (std) for (let row = 0; row < n; row++) bySpread += floats[row * width + columns];
      return samples.map((x, i) => {
        const [k, row] = [i % columns, Math.floor(i / columns)];
        // ds/dx = (x - mean) / (n sd), over the number of columns
        const [mean, sd] = std ? this.spread[k] : [0, 1];
        return floats[row * width + k] + (bySpread * (x - mean)) / (n * sd * columns);
      });
    }

    /* Adds to D's gradient that of the mean of a penalty on the slope of the logit at points; derivative(slope_i, norm): of the
       penalty by slope_i. */
    penalise(points, derivative) {
      const { D } = this;
      const { inputSlope, outputSlope, change } = D;
      D.input.put(points);
      D.forward(BATCH);
      for (let row = 0; row < BATCH; row++) outputSlope.floats[row * outputSlope.width] = 1;
      D.backward(BATCH, true);
      for (let at = 0; at < BATCH * change.width; at += change.width) {
        const [x, y] = inputSlope.floats.subarray(at, at + 2);
        const norm = Math.sqrt(x * x + y * y);
        change.floats[at] = derivative(x, norm) / BATCH;
        change.floats[at + 1] = derivative(y, norm) / BATCH;
      }
      D.collectSlope(BATCH);
    }
  }

  window.Game = Object.assign(Game, { BATCH });
})();
