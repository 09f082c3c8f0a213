/* What learns in the reader's browser: leaky-ReLU networks as in genmodels.mlp, Adam as in torch, random numbers.

   A seed gives the same run on every machine, so nothing here may be rounded in two ways. Products are float32 in WebAssembly
   (kernels.wat), whose results are fixed to the last bit. exp and log are made of + - * / below: Math.exp, Math.log and Math.sin
   differ between browsers. Random numbers are whole. Square roots are rounded exactly everywhere.

   const room = Engine.room();                              // null where there is no WebAssembly with SIMD
   const net = new Engine.Network(room, [2, 64, 64, 1], n); // for at most n rows; here and below n is a multiple of 4
   net.begin(random);                                       // or net.set(layer, weights, biases), weights as (inputs, outputs)
   net.input.put(x); net.forward(n); net.output.get(n);     // tables, row by row
   net.outputSlope.put(d); net.backward(n, true); net.inputSlope.get(n); // dL/d output -> dL/d input, where that is asked for
   net.collect(n); net.adam(rate, beta1, beta2);            // after backward: gradients of the weights, a step down  */
(() => {
  "use strict";
  const KERNELS = "AGFzbQEAAAABLQVgCn9/f39/f39/f38AYAR/f39/AGACf38AYAN/f38AYAp/f39/f319fX19AAMHBgABAQIDBAUEAQCABAdCBwZtZW1vcnkCAAdwcm9kdWN0AAAJdHJhbnNwb3NlAAEDc3VtAAIFbGVha3kAAwpsZWFreV9iYWNrAAQEYWRhbQAFCqkIBvUDAgp/C3sgCUEEbCEKA0BBACELA0AgBCALaiENIA39AAQAIRcgDf0ABBAhGCANIAVqIQ0gDf0ABAAhGSAN/QAEECEaIA0gBWohDSAN/QAEACEbIA39AAQQIRwgDSAFaiENIA39AAQAIR0gDf0ABBAhHiAAIRAgECABaiERIBEgAWohEiASIAFqIRMgAyALaiEPIAghDANAIA/9AAQAIRQgD/0ABBAhFSAQ/QkCACEWIBcgFiAU/eYB/eQBIRcgGCAWIBX95gH95AEhGCAR/QkCACEWIBkgFiAU/eYB/eQBIRkgGiAWIBX95gH95AEhGiAS/QkCACEWIBsgFiAU/eYB/eQBIRsgHCAWIBX95gH95AEhHCAT/QkCACEWIB0gFiAU/eYB/eQBIR0gHiAWIBX95gH95AEhHiAQIAJqIRAgESACaiERIBIgAmohEiATIAJqIRMgDyAKaiEPIAxBAWsiDA0ACyAGIAtqIQ4gDiAX/QsEACAOIBj9CwQQIA4gCmohDiAOIBn9CwQAIA4gGv0LBBAgDiAKaiEOIA4gG/0LBAAgDiAc/QsEECAOIApqIQ4gDiAd/QsEACAOIB79CwQQIAtBIGoiCyAKSQ0ACyAAIAFBBGxqIQAgBCAFQQRsaiEEIAYgCkEEbGohBiAHQQRrIgcNAAsLSgEDfyACQQRsIQQDQCABIQUgAyEGA0AgBSAAKgIAOAIAIABBBGohACAFIARqIQUgBkEBayIGDQALIAFBBGohASACQQFrIgINAAsLZgIEfwF7IANBBGwhBANA/QwAAAAAAAAAAAAAAAAAAAAAIQggACAFaiEGIAIhBwNAIAggBv0ABAD95AEhCCAGIARqIQYgB0EBayIHDQALIAEgBWogCP0LBAAgBUEQaiIFIARJDQALC0kCAX8BeyAAIAFBBGxqIQIDQCAA/QAEACEDIAAgAyAD/QzNzEw+zcxMPs3MTD7NzEw+/eYB/esB/QsEACAAQRBqIgAgAkkNAAsLaQIBfwF7IAAgAkEEbGohAwNAIAH9AAQAIQQgASAEIAT9DM3MTD7NzEw+zcxMPs3MTD795gEgAP0ABAD9DAAAAAAAAAAAAAAAAAAAAAD9RP1S/QsEACABQRBqIQEgAEEQaiIAIANJDQALC8kBAgF/AnsgACAEQQRsaiEKA0AgAf0ABAAhCyAI/RMgA/0ABAD95gEgCf0TIAv95gEgC/3mAf3kASEMIAMgDP0LBAAgDP3jASAG/RP95wH9DHfMKzJ3zCsyd8wrMnfMKzL95AEhDCAC/QAEACAH/RMgCyAC/QAEAP3lAf3mAf3kASELIAIgC/0LBAAgACAA/QAEACAF/RMgCyAM/ecB/eYB/eUB/QsEACABQRBqIQEgAkEQaiECIANBEGohAyAAQRBqIgAgCkkNAAsLAK8DBG5hbWUC0AIGAB8AAWEBBWFfcm93AgZhX25leHQDAWIEBXN0YXJ0BQlzdGFydF9yb3cGAWMHAW0IAWsJAW4KA3JvdwsGY29sdW1uDARsZWZ0DQFzDgJ0bw8EZnJvbRACcDARAnAxEgJwMhMCcDMUAmIwFQJiMRYBeBcDYzAwGANjMDEZA2MxMBoDYzExGwNjMjAcA2MyMR0DYzMwHgNjMzEBBwAEZnJvbQECdG8CAW0DAW4EBmNvbHVtbgUBcAYEbGVmdAIJAARmcm9tAQJ0bwIBbQMBbgQDcm93BQZjb2x1bW4GAXAHBGxlZnQIAXgDBAABeQEEc2l6ZQIDZW5kAwF4BAUAAXkBAWcCBHNpemUDA2VuZAQBeAUNAAF3AQFnAgF1AwF2BARzaXplBQRyYXRlBgRyb290BwVrZWVwMQgFYmV0YTIJBWtlZXAyCgNlbmQLAXgMAXkDVQYAAwAEcm93cwEHY29sdW1ucwIFaW5uZXIBAgAEcm93cwEFaW5uZXICAgAHY29sdW1ucwEFaW5uZXIDAQAFaW5uZXIEAQAFaW5uZXIFAQAFaW5uZXI=";
  const SIZE = 4; // bytes of a number

  /* e^x by e^x = 2^k e^r, |r| <= log(2) / 2, and the series of e^r; within two units in the last place. */
  const LN2 = [0.6931471803691238, 1.9082149292705877e-10]; // in two parts: k times the first is exact
  const bits = new Float64Array(1);
  const words = new Uint32Array(bits.buffer); // the exponent stands in the second word, on every machine that browsers run on
  const exp = (x) => {
    if (!(x > -700)) return x <= -700 ? 0 : x;
    if (x > 700) return Infinity;
    const k = Math.round(x * 1.4426950408889634);
    const r = x - k * LN2[0] - k * LN2[1];
    let sum = 1;
    for (let i = 14; i; i--) sum = 1 + (sum * r) / i;
    words[0] = 0;
    words[1] = (k + 1023) << 20;
    return sum * bits[0];
  };

  /* log((1 + s) / (1 - s)) = 2 (s + s^3 / 3 + s^5 / 5 + ...) for |s| <= 1/3. */
  const twice = (s) => {
    let sum = 0;
    for (let i = 35; i > 0; i -= 2) sum = sum * s * s + 1 / i;
    return 2 * s * sum;
  };
  /* log x = k log 2 + log m, 1 <= m < 2, for x that is not denormal. */
  const log = (x) => {
    if (!(x > 0 && x < Infinity)) return x === 0 ? -Infinity : x > 0 ? x : NaN;
    bits[0] = x;
    const k = (words[1] >>> 20) - 1023;
    words[1] = (words[1] & 0xfffff) | 0x3ff00000;
    return k * LN2[0] + (k * LN2[1] + twice((bits[0] - 1) / (bits[0] + 1)));
  };
  const sigmoid = (t) => {
    const e = exp(-Math.abs(t));
    return (t < 0 ? e : 1) / (1 + e);
  };
  /* log(1 + e^t) */
  const softplus = (t) => {
    const e = exp(-Math.abs(t));
    return Math.max(t, 0) + twice(e / (2 + e));
  };

  /* Random numbers that are counted: whole multiplications and shifts only, the generator xoshiro128** of Blackman and Vigna
     2021. stream: independent ones of the same seed. */
  class Random {
    constructor(seed, stream = 0) {
      let state = Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca77);
      this.state = Uint32Array.from({ length: 4 }, () => { // splitmix32: no state of zeros, and close seeds are far apart
        state = (state + 0x9e3779b9) | 0;
        let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
        z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
        return z ^ (z >>> 15);
      });
      this.spare = NaN;
    }

    /* 0 to 2^32 - 1 */
    whole() {
      const s = this.state;
      const five = Math.imul(s[1], 5);
      const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0;
      const t = s[1] << 9;
      s[2] ^= s[0];
      s[3] ^= s[1];
      s[1] ^= s[2];
      s[0] ^= s[3];
      s[2] ^= t;
      s[3] = (s[3] << 11) | (s[3] >>> 21);
      return result;
    }

    /* Above 0, below 1. */
    uniform() {
      return (this.whole() + 0.5) / 4294967296;
    }

    /* N(0, 1), two at a time, by Marsaglia's polar method, which needs neither sine nor cosine. */
    normal() {
      if (this.spare === this.spare) {
        const { spare } = this;
        this.spare = NaN;
        return spare;
      }
      let x, y, square;
      do {
        x = 2 * this.uniform() - 1;
        y = 2 * this.uniform() - 1;
        square = x * x + y * y;
      } while (square >= 1 || square === 0);
      const factor = Math.sqrt((-2 * log(square)) / square);
      this.spare = y * factor;
      return x * factor;
    }

    normals(count) {
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) values[i] = this.normal();
      return values;
    }
  }

  /* Memory with the kernels that work on it. Numbers start as 0. */
  let module;
  const room = () => {
    try {
      module ??= new WebAssembly.Module(Uint8Array.from(atob(KERNELS), (letter) => letter.charCodeAt(0)));
    } catch {
      return null; // no WebAssembly here, or none with SIMD
    }
    const kernels = new WebAssembly.Instance(module).exports;
    let end = 0;
    return {
      kernels,
      floats(count) {
        const at = end;
        end += 16 * Math.ceil((count * SIZE) / 16);
        return Object.assign(new Float32Array(kernels.memory.buffer, at, count), { at });
      },
      clear() { // for other networks: a memory of its own for each would soon be too many
        new Uint8Array(kernels.memory.buffer, 0, end).fill(0);
        end = 0;
      },
    };
  };

  /* Rows of so many columns, stored in rows of `width`, whose other columns stay 0. */
  class Table {
    constructor(room, rows, columns) {
      this.columns = columns;
      this.width = 8 * Math.ceil(columns / 8);
      this.floats = room.floats(rows * this.width);
      this.at = this.floats.at;
    }

    put(values, first = 0) {
      const { columns, width, floats } = this;
      for (let i = 0, to = first * width; i < values.length; to += width) {
        for (let k = 0; k < columns; k++) floats[to + k] = values[i++];
      }
    }

    get(rows, first = 0) {
      const { columns, width, floats } = this;
      const values = new Float32Array(rows * columns);
      for (let i = 0, from = first * width; i < values.length; from += width) {
        for (let k = 0; k < columns; k++) values[i++] = floats[from + k];
      }
      return values;
    }
  }

  /* Leaky ReLU 0.2 after every layer but the last. */
  class Network {
    constructor(room, sizes, rows) {
      const tables = () => sizes.map((columns) => new Table(room, rows, columns));
      this.kernels = room.kernels;
      this.values = tables(); // what goes into each layer, and at last comes out
      this.slopes = tables(); // of the loss, by what stands there before its leaky ReLU
      [this.input, this.output] = [this.values[0], this.values.at(-1)];
      [this.inputSlope, this.outputSlope] = [this.slopes[0], this.slopes.at(-1)];
      this.answers = tables(); // see collectSlope
      this.change = this.answers[0];
      let size = 0;
      this.layers = sizes.slice(1).map((columns, l) => {
        const [inputs, outputs] = [this.values[l].width, this.values[l + 1].width];
        const weights = size;
        const biases = weights + inputs * outputs;
        size = biases + outputs;
        return { rows: sizes[l], columns, inputs, outputs, weights, biases, turned: room.floats(inputs * outputs).at };
      });
      [this.weights, this.gradient, this.mean, this.square] = [0, 1, 2, 3].map(() => room.floats(size)); // with all biases
      this.zeros = room.floats(Math.max(...this.values.map(({ width }) => width))).at;
      this.powers = [1, 1]; // beta1^t, beta2^t
      this.turned = false;
    }

    /* The first weights, uniform in ±1/sqrt(inputs) as those of torch.nn.Linear. */
    begin(random) {
      this.layers.forEach(({ rows, columns }, l) => {
        const draw = () => (2 * random.uniform() - 1) / Math.sqrt(rows);
        this.set(l, Float32Array.from({ length: rows * columns }, draw), Float32Array.from({ length: columns }, draw));
      });
    }

    set(l, weights, biases) {
      const { columns, outputs, weights: to, biases: end } = this.layers[l];
      for (let i = 0; i < weights.length; i++) this.weights[to + Math.floor(i / columns) * outputs + (i % columns)] = weights[i];
      this.weights.set(biases, end);
      this.turned = false;
    }

    forward(n) {
      const { kernels, values, weights } = this;
      this.layers.forEach((layer, l) => {
        const { inputs, outputs } = layer;
        const to = values[l + 1].at;
        kernels.product(values[l].at, SIZE * inputs, SIZE, weights.at + SIZE * layer.weights, weights.at + SIZE * layer.biases, 0, to, n, inputs, outputs);
        if (l < this.layers.length - 1) kernels.leaky(to, n * outputs);
      });
    }

    /* From the slopes by the outputs to those before; to the inputs only where they are asked for. */
    backward(n, toInput = false) {
      const { kernels, values, slopes, layers, weights } = this;
      if (!this.turned) for (const { inputs, outputs, weights: at, turned } of layers) kernels.transpose(weights.at + SIZE * at, turned, inputs, outputs);
      this.turned = true;
      for (let l = layers.length - 1; l > (toInput ? -1 : 0); l--) {
        const { inputs, outputs, turned } = layers[l];
        kernels.product(slopes[l + 1].at, SIZE * outputs, SIZE, turned, this.zeros, 0, slopes[l].at, n, outputs, inputs);
        if (l) kernels.leaky_back(values[l].at, slopes[l].at, n * inputs);
      }
    }

    /* The gradient by weights, values^T slopes, and by biases, the sum of the slopes. */
    collect(n) {
      const { kernels, values, slopes, gradient } = this;
      this.layers.forEach(({ inputs, outputs, weights, biases }, l) => {
        kernels.product(values[l].at, SIZE, SIZE * inputs, slopes[l + 1].at, this.zeros, 0, gradient.at + SIZE * weights, inputs, n, outputs);
        kernels.sum(slopes[l + 1].at, gradient.at + SIZE * biases, n, outputs);
      });
    }

    /* Adds the gradient of a penalty on the slopes by the inputs, which backward has found; `change` holds its derivative by them.
       Where no leaky ReLU changes its side the slopes are products of the weights, and so is their answer to a change. */
    collectSlope(n) {
      const { kernels, values, slopes, answers, gradient, weights } = this;
      this.layers.forEach((layer, l) => {
        const { inputs, outputs } = layer;
        const to = gradient.at + SIZE * layer.weights;
        kernels.product(answers[l].at, SIZE, SIZE * inputs, slopes[l + 1].at, to, SIZE * outputs, to, inputs, n, outputs);
        if (l === this.layers.length - 1) return;
        kernels.product(answers[l].at, SIZE * inputs, SIZE, weights.at + SIZE * layer.weights, this.zeros, 0, answers[l + 1].at, n, inputs, outputs);
        kernels.leaky_back(values[l + 1].at, answers[l + 1].at, n * outputs);
      });
    }

    adam(rate, beta1, beta2) {
      const { weights, gradient, mean, square, powers } = this;
      powers[0] *= beta1;
      powers[1] *= beta2;
      this.kernels.adam(weights.at, gradient.at, mean.at, square.at, weights.length, rate / (1 - powers[0]), Math.sqrt(1 - powers[1]), 1 - beta1, beta2, 1 - beta2);
      this.turned = false;
    }
  }

  window.Engine = { room, Network, Random, exp, log, sigmoid, softplus };
})();
