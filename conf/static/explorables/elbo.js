/* A VAE with two hidden layers in each of its networks, otherwise as in genmodels.vae; what its loss charges for may change at every
   step. Needs engine.js.

   const vae = new Vae(room, data, columns, d, seed);  // data: Float32Array, row by row; at most SHOWN of its rows are looked at
   vae.learn(rules);               // a step of Adam on BATCH rows; returns the loss before it, as measure does
   vae.measure(rules, x, noise);   // {error, mean, variance}: see there
   vae.free(variance);             // see there
   vae.decode(z);                  // a row for each code; SHOWN codes at most, a multiple of 4
   rules: {terms, beta, variance, learned}; terms: "both", "mean", "variance", "none", "autoencoder" (none, and no noise);
   variance: sigma^2 of the decoder, where it is not learned.  */
(() => {
  "use strict";
  const { exp, log, Network, Random } = Engine;
  const [BATCH, SHOWN, UNITS] = [64, 200, 64];
  const [RATE, BETAS] = [2e-3, [0.9, 0.999]]; // of Adam
  const TINY = 1e-8;

  class Vae {
    constructor(room, data, columns, d, seed) {
      Object.assign(this, { data, columns, d });
      this.encoder = new Network(room, [columns, UNITS, UNITS, 2 * d], SHOWN); // x -> mu, log s^2
      this.decoder = new Network(room, [d, UNITS, UNITS, columns], SHOWN);
      [this.encoder, this.decoder].forEach((network, stream) => network.begin(new Random(seed, stream)));
      this.random = new Random(seed, 2);
      this.free(1);
    }

    /* From here sigma^2 is learned, where it is. */
    free(variance) {
      this.logVariance = log(variance);
      this.adam = BETAS.map((beta) => ({ beta, power: 1, moment: 0 }));
    }

    variance({ learned, variance }) {
      return learned ? exp(this.logVariance) : variance;
    }

    /* Encodes rows x, draws z = mu + s * noise, decodes. error: mean |x - decoded|^2; mean, variance: both terms of the KL from the
       prior in nats, a mean over the rows for each latent dimension. An autoencoder has none: its z is mu. */
    measure({ terms }, x, noise) {
      const { encoder, decoder, columns, d } = this;
      const n = x.length / columns;
      const [mean, variance] = [new Float64Array(d), new Float64Array(d)];
      encoder.input.put(x);
      encoder.forward(n);
      for (let row = 0; row < n; row++) {
        for (let j = 0; j < d; j++) {
          const [mu, logvar] = this.posterior(row, j);
          const s2 = exp(logvar);
          decoder.input.floats[row * decoder.input.width + j] = mu + (terms === "autoencoder" ? 0 : Math.sqrt(s2) * noise[row * d + j]);
          mean[j] += (mu * mu) / 2 / n;
          variance[j] += (s2 - 1 - logvar) / 2 / n;
        }
      }
      decoder.forward(n);
      let error = 0;
      this.eachPixel(n, (i, at) => {
        const off = decoder.output.floats[at] - x[i];
        error += (off * off) / n;
      });
      return { error, mean, variance };
    }

    /* [mu, log s^2] of what the encoder has put out last. */
    posterior(row, j) {
      const { floats, width } = this.encoder.output;
      return [floats[row * width + j], floats[row * width + this.d + j]];
    }

    eachPixel(n, visit) {
      for (let row = 0, i = 0; row < n; row++) {
        for (let at = row * this.decoder.output.width, k = 0; k < this.columns; k++) visit(i++, at++);
      }
    }

    learn(rules, x = this.batch(), noise = this.random.normals((x.length / this.columns) * this.d)) {
      const { encoder, decoder, columns, d } = this;
      const n = x.length / columns;
      const found = this.measure(rules, x, noise);
      const sigma2 = this.variance(rules);
      // |x - decoded|^2 / (2 sigma^2)
      this.eachPixel(n, (i, at) => { decoder.outputSlope.floats[at] = (decoder.output.floats[at] - x[i]) / sigma2 / n; });
      decoder.backward(n, true);
      decoder.collect(n);
      const { floats, width } = encoder.outputSlope;
      const [pull, squeeze] = [["both", "mean"], ["both", "variance"]].map((on) => (on.includes(rules.terms) ? rules.beta / n : 0));
      for (let row = 0; row < n; row++) {
        for (let j = 0; j < d; j++) {
          const [mu, logvar] = this.posterior(row, j);
          const s2 = exp(logvar);
          const byZ = decoder.inputSlope.floats[row * decoder.inputSlope.width + j];
          floats[row * width + j] = byZ + pull * mu;
          // dz / dlog s^2 = s noise / 2
          floats[row * width + d + j] = rules.terms === "autoencoder" ? 0 : (byZ * Math.sqrt(s2) * noise[row * d + j] + squeeze * (s2 - 1)) / 2;
        }
      }
      encoder.backward(n);
      encoder.collect(n);
      for (const network of [encoder, decoder]) network.adam(RATE, ...BETAS);
      if (rules.learned) this.widen((columns - found.error / sigma2) / 2);
      return found;
    }

    /* A step of log sigma^2 by its gradient; Adam again. */
    widen(slope) {
      const [first, second] = [slope, slope * slope].map((power, i) => {
        const one = this.adam[i];
        one.power *= one.beta;
        one.moment = one.beta * one.moment + (1 - one.beta) * power;
        return one.moment / (1 - one.power);
      });
      this.logVariance -= (RATE * first) / (Math.sqrt(second) + TINY);
    }

    batch() {
      const { data, columns, random } = this;
      const x = new Float32Array(BATCH * columns);
      for (let row = 0; row < BATCH; row++) {
        const at = (random.whole() % (data.length / columns)) * columns;
        x.set(data.subarray(at, at + columns), row * columns);
      }
      return x;
    }

    decode(z) {
      const n = z.length / this.d;
      this.decoder.input.put(z);
      this.decoder.forward(n);
      return this.decoder.output.get(n);
    }
  }

  window.Vae = Object.assign(Vae, { SHOWN });
})();
