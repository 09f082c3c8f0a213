/* What every figure to play with shares: controls, panels, dragging, playing, data, and the state in the URL.

   A page holds, inside a section with an id,  <div class="explorable" data-explorable="NAME" data-config='{"CONTROL": VALUE, …}'
   data-source="SCRIPT">; the script, if there is one, hands over what a cell of a page computed, by Explorables.data(NAME, {…}).
   Without JavaScript the element is hidden; a static picture follows it on the page.
   A figure is one call:  Explorables.define(NAME, (figure) => { add controls, panels, readouts; return () => { draw; return note; }; }).
   Its state is the list of its controls' values in order, kept in the URL as  #SECTION?NAME=value,value,…, where links.js goes.
   A new figure: NAME.js here, the room that it needs (--wide, --narrow) and its grid in explorables.css, the section #explore of a
   page with its task, its still picture and its answer, and tests/browser/test_NAME.py, which compares its numbers with the package.  */
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const REST = 400; // ms without a change before the URL and the screen reader hear of it
  const BEAT = 120; // ms between two steps of what plays
  const [TOP, RIGHT] = [6, 8]; // pixels around a panel's axes
  const SQUARE = 264;
  const builders = new Map();
  const figures = new Map();
  const data = new Map();
  const scripts = new Map();

  /* Appends a new element. In its text, $L_D$ is a variable with a subscript, $e^H$ one with a superscript. */
  const make = (parent, tag, attributes = {}, text = "") => {
    const svg = tag === "svg" || parent.namespaceURI === SVG;
    const node = document.createElementNS(svg ? SVG : parent.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    write(node, text);
    parent.append(node);
    return node;
  };
  const write = (node, text) => {
    node.replaceChildren();
    text.split(/\$(\w+?)(?:_(\w+)|\^(\w+))?\$/).forEach((part, i) => {
      const tag = [, "i", "sub", "sup"][i % 4];
      if (!tag) node.append(part);
      else if (!part) return;
      else if (node.namespaceURI === SVG) make(node, "tspan", { class: tag, dy: { i: 0, sub: 3, sup: -3 }[tag] }, part);
      else make(node, tag, {}, part);
    });
  };

  /* #explore?overlap=uniform,0.97,1  ->  ["explore", URLSearchParams or null] */
  const fragment = () => {
    const [id, query] = location.hash.slice(1).split(/\?(.*)/s);
    return [id, query === undefined ? null : new URLSearchParams(query)];
  };

  /* Decimals for three digits, four at most; none for 0 itself, so that it differs from what is nearly 0. */
  const digits = (value) => (value ? Math.min(Math.max(2 - Math.floor(Math.log10(Math.abs(value))), 0), 4) : 0);

  /* So many decimals, a true minus sign, no minus before zero. */
  const format = (value, decimals = digits(value)) => value.toFixed(decimals).replace(/^-(0(\.0+)?)$/, "$1").replace("-", "−");

  /* count + 1 numbers at equal steps. */
  const range = (from, to, count) => Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count);

  class Panel {
    /* axis: the name of the x axis; without one the panel has no numbers at its axes. legend: [[role, text], …]; a role is a class
       that the style sheet gives a colour and a dash. height: in pixels; 0 for a square, which is SQUARE pixels wide at most.
       columns: how many panels stand in a row, if each has `least` pixels. */
    constructor(figure, height, axis, legend, columns = 1, least = 100) {
      Object.assign(this, { figure, height, axis, columns, least, right: RIGHT, square: SQUARE }); // a figure may want others
      this.left = axis ? (columns > 1 ? 32 : 54) : 2;
      this.bottom = axis ? 36 : 4;
      this.box = make(figure.panels, "div");
      const keys = make(this.box, "p", { class: "explorable-legend", style: `margin-left: ${this.left}px` });
      for (const [role, text] of legend) make(keys, "span", { class: role }, text);
      const names = Array.from(keys.children, (key) => key.textContent);
      this.frame = make(this.box, "div");
      this.svg = make(this.frame, "svg", { role: "img", "aria-label": [...names, axis].filter(Boolean).join("; ") });
    }

    /* Empties the panel. x, y: [from, to]; ticks: [value or [value, label], …], yTicks [value, label, label on the right], too. The
       axes, and what `ground` draws, are drawn anew only where they have changed. */
    begin(x, y, xTicks = [], yTicks = [], ground = () => {}) {
      const { svg, figure, left, right, bottom } = this;
      const columns = figure.width / this.columns < this.least ? 1 : this.columns;
      const across = Math.min(Math.max(figure.width / columns - left - right, 1), this.height ? Infinity : this.square);
      const key = JSON.stringify([columns, across, x, y, xTicks, yTicks]);
      if (key === this.key) return this.layer.replaceChildren();
      this.key = key;
      const down = this.height ? this.height - TOP - bottom : across;
      const height = TOP + down + bottom;
      Object.assign(this, { x, y, across, down, scale: across / (x[1] - x[0]) }); // pixels per unit
      this.box.style.width = `${100 / columns}%`;
      this.frame.style.width = `${left + across + right}px`;
      svg.setAttribute("viewBox", `0 0 ${left + across + right} ${height}`);
      svg.replaceChildren();
      const labelled = (ticks) => ticks.map((tick) => (tick.map ? tick : [tick, format(tick, 0)]));
      for (const [value, label, other] of labelled(yTicks)) {
        const at = TOP + this.Y(value);
        make(svg, "line", { class: "grid", x1: left, x2: left + across, y1: at, y2: at });
        make(svg, "text", { class: "tick", x: left - 6, y: at + 4 }, label);
        if (other) make(svg, "text", { class: "other", x: left + across + 6, y: at + 4 }, other);
      }
      for (const [value, label] of labelled(xTicks)) make(svg, "text", { x: left + this.X(value), y: height - 20 }, label);
      make(svg, "text", { class: "axis", x: left + across / 2, y: height - 5 }, this.axis);
      const plot = make(svg, "svg", { x: left, y: TOP, width: across, height: down }); // clips what leaves the axes
      this.layer = make(plot, "g");
      ground();
      return (this.layer = make(plot, "g"));
    }

    X(value) { return (value - this.x[0]) * this.scale; }
    Y(value) { return ((this.y[1] - value) * this.down) / (this.y[1] - this.y[0]); }

    /* between: what joins two points; "h0M" leaves a dot at each of very many, where line caps are round. */
    line(role, points, between = "L") {
      const at = points.map(([x, y]) => `${this.X(x).toFixed(1)},${this.Y(y).toFixed(1)}`);
      make(this.layer, "path", { class: role, d: `M${at.join(between)}${between.slice(0, -1)}` });
    }

    bar(role, x, from, to, width) {
      const [X, top] = [this.X(x - width / 2), this.Y(to)];
      make(this.layer, "rect", { class: role, x: X, y: top, width: width * this.scale, height: Math.max(this.Y(from) - top, 0) });
    }

    dot(role, x, y, r = 5) {
      make(this.layer, "circle", { class: role, cx: this.X(x), cy: this.Y(y), r });
    }

    text(x, y, label, role = "") {
      make(this.layer, "text", { class: role, x: this.X(x), y: this.Y(y) + 4 }, label);
    }

    /* Names beside what is at x, in their colours, `off` pixels away and 15 from each other. list: [[role, y, name], …] */
    names(x, list, off = 9) {
      const long = Math.max(...list.map(([, , name]) => 8.5 * name.replace(/[$_]/g, "").length));
      const before = this.X(x) + off + long > this.across;
      const at = list.map(([, y]) => this.Y(y));
      const order = [...at.keys()].sort((a, b) => at[a] - at[b]);
      let edge = 8;
      for (const i of order) edge = (at[i] = Math.max(at[i], edge)) + 15;
      edge = this.down - 8;
      for (const i of order.reverse()) edge = (at[i] = Math.min(at[i], edge)) - 15;
      list.forEach(([role, , name], i) => {
        const place = { x: this.X(x) + (before ? -off : off), y: at[i] + 4 };
        for (const layer of ["halo", "name"]) make(this.layer, "text", { ...place, class: `${layer} ${before ? "tick" : ""} ${role}` }, name);
      });
    }

    /* A grip that says: pull here, along the x axis or, upright, along the y axis. */
    grip(role, x, y, upright = false) {
      const at = `translate(${this.X(x)} ${Math.min(Math.max(this.Y(y), 11), this.down - 11)})`;
      const grip = make(this.layer, "g", { class: `grip ${role}`, transform: at + (upright ? " rotate(90)" : "") });
      make(grip, "circle", { r: 10 });
      make(grip, "path", { d: "M-6 0H6M-3 -3L-6 0L-3 3M3 -3L6 0L3 3" });
    }

    /* Numbers from 0, black, to 1, white, row by row from the top, as an image behind what is drawn; after begin().
       Without columns a square. */
    paint(values, columns = Math.sqrt(values.length)) {
      this.canvas ??= make(this.frame, "canvas");
      const { canvas, across, down, left, right } = this;
      Object.assign(canvas, { width: columns, height: values.length / columns });
      const [wide, high] = [left + across + right, TOP + down + this.bottom].map((whole) => 100 / whole); // it scales with the frame
      Object.assign(canvas.style, { left: `${left * wide}%`, top: `${TOP * high}%`, width: `${across * wide}%`, height: `${down * high}%` });
      const context = canvas.getContext("2d");
      const image = context.createImageData(canvas.width, canvas.height);
      values.forEach((value, i) => image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i));
      context.putImageData(image, 0, 0);
    }

    /* Dragging with mouse, pen or finger: grab(x, y), in the units of the axes, is called on press and returns what to do with
       each further x, y. free: up and down, too; a finger then does not scroll the page from here. */
    onDrag(grab, free = false) {
      const { svg, figure } = this;
      const at = ({ clientX, clientY }) => {
        const box = svg.getBoundingClientRect();
        return [
          this.x[0] + (clientX - box.left - this.left) / this.scale,
          this.y[1] - ((clientY - box.top - TOP) * (this.y[1] - this.y[0])) / this.down,
        ];
      };
      let move;
      svg.classList.add(free ? "explorable-free" : "explorable-drag");
      svg.addEventListener("pointerdown", (event) => {
        if (event.button || !event.isPrimary) return;
        svg.setPointerCapture(event.pointerId);
        figure.stop?.();
        move = grab(...at(event));
        figure.changed();
        event.preventDefault();
      });
      svg.addEventListener("pointermove", (event) => {
        if (!svg.hasPointerCapture(event.pointerId)) return;
        move(...at(event));
        figure.changed();
      });
    }

    /* Arrow keys now move this slider; where it is folded away and takes no focus, the panel has it instead. */
    hold({ input }) {
      const { figure, svg } = this;
      figure.held = input;
      input.focus({ preventScroll: true });
      if (document.activeElement === input) return;
      svg.setAttribute("tabindex", -1);
      svg.focus({ preventScroll: true });
      svg.onkeydown = (event) => {
        const step = { ArrowLeft: "stepDown", ArrowDown: "stepDown", ArrowRight: "stepUp", ArrowUp: "stepUp" }[event.key];
        if (!step) return;
        event.preventDefault();
        figure.held[step]();
        figure.held.dispatchEvent(new Event("input"));
      };
    }

    /* Dragging along the x axis moves the slider pick(x) by as much; arrow keys go on from there. */
    slides(pick) {
      this.onDrag((x) => {
        const slider = pick(x);
        const from = slider.value;
        this.hold(slider);
        return (to) => (slider.value = from + to - x);
      });
    }
  }

  class Figure {
    constructor(root) {
      this.root = root;
      this.name = root.dataset.explorable;
      this.width = 600; // until it is measured below
      this.controls = [];
      this.data = data.get(this.name);
      root.replaceChildren();
      this.form = this.rows = make(root, "div", { class: "explorable-controls" });
      this.panels = make(root, "div", { class: "explorable-panels" });
      this.draw = builders.get(this.name)(this);
      this.note = make(root, "p", { class: "explorable-note" });
      this.status = make(root, "p", { class: "explorable-status", role: "status" });
      const config = { ...this.data?.start, ...JSON.parse(root.dataset.config) };
      this.defaults = this.controls.map((control) => String(config[control.name]));
      if (!this.set(this.defaults)) throw new Error(`${this.name}: no state: ${this.defaults}`);
      this.restore();
      new ResizeObserver(([{ contentRect: { width } }]) => {
        if (!width || width === this.width) return; // 0: folded away
        this.width = width;
        this.draw();
      }).observe(this.panels);
    }

    /* True when every text is a value of its control; stops at the first that is not. */
    set(texts) {
      return texts.length === this.controls.length && this.controls.every((control, i) => control.accept(texts[i]));
    }

    /* Takes the state from the URL; what is no state of this figure gives the default. */
    restore() {
      const query = fragment()[1];
      const stored = query && query.get(this.name);
      this.stop?.();
      if (stored !== null) {
        const texts = stored.split(","); // fewer, where a control is younger than the link
        if (!this.set([...texts, ...this.defaults.slice(texts.length)])) this.set(this.defaults);
      }
      this.show();
    }

    show() {
      for (const control of this.controls) control.show?.();
      write(this.note, this.draw());
    }

    /* After the reader moved something. */
    changed() {
      this.show();
      clearTimeout(this.timer);
      const { hash } = location; // a link that the reader follows until then stays
      this.timer = setTimeout(() => {
        const section = this.root.closest("section[id]").id;
        if (location.hash === hash) history.replaceState(history.state, "", `#${section}?${this.name}=${this.controls.map((control) => control.text).join(",")}`);
        this.status.textContent = Array.from(this.root.querySelectorAll("dt, dd"), (part) => part.textContent).join(" ");
      }, REST);
    }

    /* shown: the text beside the slider for a number, where that is not the number itself. */
    slider(name, label, step, min = 0, max = 1, shown = (number) => format(number, (String(step).split(".")[1] ?? "").length)) {
      const id = `${this.name}-${name}`;
      const row = make(this.rows, "div", { class: "explorable-slider" });
      make(row, "label", { for: id }, label);
      const beside = make(row, "span", { "aria-hidden": "true" });
      const input = make(row, "input", { type: "range", id, step, min, max });
      input.addEventListener("input", () => this.changed());
      input.addEventListener("focus", () => { this.held = input; });
      const control = {
        name,
        input,
        get text() { return input.value; },
        get value() { return input.valueAsNumber; },
        set value(number) { input.value = number; },
        range(from, to) { Object.assign(input, { min: from, max: to }); },
        accept(text) {
          const fits = /^-?\d+(\.\d+)?$/.test(text) && text >= Number(input.min) && text <= Number(input.max);
          if (fits) input.value = text;
          return fits;
        },
        show() {
          beside.textContent = shown(input.valueAsNumber);
          input.setAttribute("aria-valuetext", beside.textContent);
        },
      };
      this.controls.push(control);
      return control;
    }

    /* The sliders that `add` makes, folded: what can also be dragged in a panel needs them only by keyboard. */
    fold(label, add) {
      const fold = make(this.form, "details", { class: "explorable-fold" });
      make(fold, "summary", {}, label);
      this.rows = fold;
      const made = add();
      this.rows = this.form;
      return made;
    }

    /* options: {value: label}; chosen(value) is called before the later controls take their values. */
    radios(name, legend, options, chosen = () => {}) {
      const group = make(this.form, "fieldset");
      make(group, "legend", {}, legend);
      const inputs = Object.entries(options).map(([value, label]) => {
        const line = make(group, "label");
        const input = make(line, "input", { type: "radio", name: `${this.name}-${name}`, value });
        make(line, "span", {}, label);
        input.addEventListener("change", () => { chosen(value); this.changed(); });
        return input;
      });
      const control = {
        name,
        get text() { return inputs.find((input) => input.checked).value; },
        accept(text) {
          const input = inputs.find((one) => one.value === text);
          if (input) { input.checked = true; chosen(text); }
          return Boolean(input);
        },
      };
      this.controls.push(control);
      return control;
    }

    /* A row of buttons, each of which jumps to a state: [[label, () => texts], …]; the last button resets. */
    jumps(list) {
      this.row ??= make(this.form, "div", { class: "explorable-jumps" });
      for (const [label, texts] of [...list, ["Reset", () => this.defaults]]) {
        make(this.row, "button", { type: "button" }, label).addEventListener("click", () => { this.stop?.(); this.set(texts()); this.changed(); });
      }
    }

    /* A button that moves a slider on to its end, a step every `beat` ms; one step a press for readers who want nothing to move
       by itself. */
    play({ input }, beat = BEAT) {
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.row = make(this.form, "div", { class: "explorable-jumps" });
      const button = make(this.row, "button", { type: "button" }, still ? "Step" : "Play");
      let timer;
      const stop = () => {
        clearInterval(timer);
        timer = 0;
        if (!still) button.textContent = "Play";
      };
      const step = () => {
        input.stepUp();
        this.changed();
        if (input.value === input.max) stop();
      };
      button.addEventListener("click", () => {
        if (timer) return stop();
        if (!still) {
          timer = setInterval(step, beat);
          button.textContent = "Pause";
        }
        if (input.value !== input.max) return step();
        input.value = input.min;
        return this.changed();
      });
      input.addEventListener("input", stop);
      this.stop = stop;
    }

    /* The whole numbers that genmodels.site.explorables.in_letters has written as a text. */
    whole(text) {
      let sum = 0;
      return Array.from(text, (letter) => {
        const z = letter.charCodeAt(0) - (letter > "\\" ? 36 : 35);
        return (sum += z % 2 ? -(z + 1) / 2 : z / 2);
      });
    }

    panel(...settings) {
      return new Panel(this, ...settings);
    }

    /* Numbers under the panels, {name: label}, with three digits or {name: decimals}. Returns show({name: value}): all of the
       digits stand in data-value. Where there is no number, value is the word to show instead, and data-value is NaN. */
    readouts(labels, decimals = {}) {
      const list = make(this.root, "dl");
      const cells = {};
      for (const [name, label] of Object.entries(labels)) {
        const pair = make(list, "div");
        make(pair, "dt", {}, label);
        cells[name] = make(pair, "dd", { "data-name": name });
      }
      return (values) => {
        for (const [name, value] of Object.entries(values)) {
          cells[name].dataset.value = Number(value);
          cells[name].textContent = typeof value === "string" ? value : format(value, decimals[name]);
        }
      };
    }
  }

  /* Fetches a figure's data, as a script: fetch does not read from disk. What has failed may be tried again. */
  const load = ({ explorable, source }) => {
    if (!scripts.has(source)) {
      scripts.set(source, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        const end = () => {
          if (data.has(explorable)) return resolve();
          scripts.delete(source);
          return reject();
        };
        Object.assign(script, { src: source, onload: end, onerror: end });
        document.head.append(script);
      }));
    }
    return scripts.get(source);
  };

  const mount = (root) => {
    const { explorable, source } = root.dataset;
    if (figures.has(root)) return;
    if (!source || data.has(explorable)) figures.set(root, new Figure(root));
    else load(root.dataset).then(() => mount(root), () => write(root, "The data of this figure could not be loaded."));
  };

  document.addEventListener("DOMContentLoaded", () => {
    const roots = [...document.querySelectorAll("[data-explorable]")];
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) mount(target);
      }
    }, { rootMargin: "50%" });
    roots.forEach((root) => near.observe(root));
    addEventListener("beforeprint", () => roots.forEach(mount));
    addEventListener("keydown", ({ key }) => { if (key === "Tab") roots.forEach(mount); }); // before Tab has passed them by
    addEventListener("hashchange", () => { for (const figure of figures.values()) figure.restore(); });
    // after the page has been shown: data, so that they are there also without the network
    addEventListener("load", () => (window.requestIdleCallback ?? setTimeout)(() => {
      for (const { dataset } of roots) if (dataset.source) load(dataset).catch(() => {});
    }));
  });

  window.Explorables = {
    Figure,
    Panel,
    make,
    define: (name, build) => builders.set(name, build),
    data: (name, values) => data.set(name, values),
    range,
  };
})();
