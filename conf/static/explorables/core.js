/* What every figure to play with shares: controls, panels, dragging, and the state in the URL.

   A page holds, inside a section with an id,  <div class="explorable" data-explorable="NAME" data-config='{"CONTROL": VALUE, …}'>
   and in it a <script type="application/json"> of data, if any. Without JavaScript the element is hidden; a static picture follows it on the page.
   A figure is one call:  Explorables.define(NAME, (figure) => { add controls, panels, readouts; return () => { draw; return note; }; }).
   Its state is the list of its controls' values in order, kept in the URL as  #SECTION?NAME=value,value,…  */
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const REST = 400; // ms without a change before the URL and the screen reader hear of it
  const [TOP, RIGHT, BOTTOM, LEFT] = [6, 8, 36, 54]; // pixels around a panel's axes
  const builders = new Map();
  const figures = new Map();

  /* Appends a new element. In its text, $L_D$ is a variable with a subscript. */
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
    text.split(/\$(\w+?)(?:_(\w+))?\$/).forEach((part, i) => {
      if (i % 3 === 0) node.append(part);
      else if (part) make(node, i % 3 === 1 ? "i" : "sub", {}, part);
    });
  };

  /* #explore?overlap=uniform,0.97,1  ->  ["explore", URLSearchParams or null] */
  const fragment = () => {
    const [id, query] = location.hash.slice(1).split(/\?(.*)/s);
    return [id, query === undefined ? null : new URLSearchParams(query)];
  };

  class Panel {
    /* axis: the name of the x axis. legend: [[role, text], …]; a role is a class that the style sheet gives a colour and a dash. */
    constructor(figure, height, axis, legend) {
      Object.assign(this, { figure, height, axis });
      const keys = make(figure.root, "p", { class: "explorable-legend" });
      for (const [role, text] of legend) make(keys, "span", { class: role }, text);
      const name = legend.map(([, text]) => text).join("; ").replace(/\$/g, "").replace(/_/g, " ");
      this.svg = make(figure.root, "svg", { role: "img", "aria-label": `${name}; over ${axis}` });
    }

    /* Empties the panel and draws its axes. x, y: [from, to]; ticks: [[value, label], …]. */
    begin(x, y, xTicks, yTicks) {
      const { svg, height, figure } = this;
      const across = Math.max(figure.width - LEFT - RIGHT, 1);
      const down = height - TOP - BOTTOM;
      this.scale = across / (x[1] - x[0]); // pixels per unit
      this.X = (value) => (value - x[0]) * this.scale;
      this.Y = (value) => ((y[1] - value) * down) / (y[1] - y[0]);
      svg.setAttribute("viewBox", `0 0 ${LEFT + across + RIGHT} ${height}`);
      svg.replaceChildren();
      for (const [value, label] of yTicks) {
        const at = TOP + this.Y(value);
        make(svg, "line", { class: "grid", x1: LEFT, x2: LEFT + across, y1: at, y2: at });
        make(svg, "text", { class: "tick", x: LEFT - 6, y: at + 4 }, label);
      }
      for (const [value, label] of xTicks) make(svg, "text", { x: LEFT + this.X(value), y: height - 20 }, label);
      make(svg, "text", { class: "axis", x: LEFT + across / 2, y: height - 5 }, this.axis);
      this.plot = make(svg, "svg", { x: LEFT, y: TOP, width: across, height: down }); // clips what leaves the axes
    }

    line(role, points) {
      const at = points.map(([x, y]) => `${this.X(x).toFixed(1)},${this.Y(y).toFixed(1)}`);
      make(this.plot, "path", { class: role, d: `M${at.join("L")}` });
    }

    dot(role, x, y) {
      make(this.plot, "circle", { class: role, cx: this.X(x), cy: this.Y(y), r: 5 });
    }

    text(x, y, label) {
      make(this.plot, "text", { x: this.X(x), y: this.Y(y) + 4 }, label);
    }

    /* Dragging with mouse, pen or finger: grab(x, y) in pixels is called on press and returns what to do on each move. */
    onDrag(grab) {
      const { svg, figure } = this;
      let move;
      svg.classList.add("explorable-drag");
      svg.addEventListener("pointerdown", (event) => {
        if (event.button || !event.isPrimary) return;
        svg.setPointerCapture(event.pointerId);
        move = grab(event.clientX, event.clientY);
        event.preventDefault();
      });
      svg.addEventListener("pointermove", (event) => {
        if (!svg.hasPointerCapture(event.pointerId)) return;
        move(event.clientX, event.clientY);
        figure.changed();
      });
    }
  }

  class Figure {
    constructor(root) {
      this.root = root;
      this.name = root.dataset.explorable;
      this.width = 600; // until it is measured below
      this.controls = [];
      const data = root.querySelector("script[type='application/json']");
      this.data = data && JSON.parse(data.textContent);
      root.replaceChildren();
      this.form = make(root, "div", { class: "explorable-controls" });
      this.draw = builders.get(this.name)(this);
      this.note = make(root, "p", { class: "explorable-note" });
      this.status = make(root, "p", { class: "explorable-status", role: "status" });
      const config = JSON.parse(root.dataset.config);
      this.defaults = this.controls.map((control) => String(config[control.name]));
      if (!this.set(this.defaults)) throw new Error(`${this.name}: data-config is not a state of this figure`);
      this.restore();
      new ResizeObserver(([{ contentRect: { width } }]) => {
        if (!width || width === this.width) return; // 0: folded away
        this.width = width;
        this.draw();
      }).observe(root);
    }

    /* True when every text is a value of its control; stops at the first that is not. */
    set(texts) {
      return texts.length === this.controls.length && this.controls.every((control, i) => control.accept(texts[i]));
    }

    /* Takes the state from the URL; what is no state of this figure gives the default. */
    restore() {
      const query = fragment()[1];
      const stored = query && query.get(this.name);
      if (stored !== null && !this.set(stored.split(","))) this.set(this.defaults);
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
      this.timer = setTimeout(() => {
        const section = this.root.closest("section[id]").id;
        history.replaceState(null, "", `#${section}?${this.name}=${this.controls.map((control) => control.text).join(",")}`);
        const pairs = [...this.root.querySelectorAll("dl div")];
        this.status.textContent = pairs.map((pair) => [...pair.children].map((part) => part.textContent).join(" ")).join(", ");
      }, REST);
    }

    slider(name, label, step) {
      const id = `${this.name}-${name}`;
      const row = make(this.form, "div", { class: "explorable-slider" });
      make(row, "label", { for: id }, label);
      const shown = make(row, "span", { "aria-hidden": "true" });
      const input = make(row, "input", { type: "range", id, step });
      input.addEventListener("input", () => this.changed());
      const control = {
        name,
        input,
        get text() { return input.value; },
        get value() { return input.valueAsNumber; },
        set value(number) { input.value = number; },
        range(min, max) { Object.assign(input, { min, max }); },
        accept(text) {
          const fits = /^-?\d+(\.\d+)?$/.test(text) && text >= Number(input.min) && text <= Number(input.max);
          if (fits) input.value = text;
          return fits;
        },
        show() {
          shown.textContent = input.value.replace("-", "−");
          input.setAttribute("aria-valuetext", `${name} ${input.value}`);
        },
      };
      this.controls.push(control);
      return control;
    }

    /* options: {value: label}; chosen(value) is called before the later controls take their values. */
    radios(name, legend, options, chosen) {
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
      const row = make(this.form, "div", { class: "explorable-jumps" });
      for (const [label, texts] of [...list, ["Reset", () => this.defaults]]) {
        make(row, "button", { type: "button" }, label).addEventListener("click", () => { this.set(texts()); this.changed(); });
      }
    }

    panel(height, axis, legend) {
      return new Panel(this, height, axis, legend);
    }

    /* Numbers under the panels, {name: label}. Returns show({name: value}): shown with 4 decimals, all of them in data-value.
       Where there is no number, value is the word to show instead, and data-value is NaN. */
    readouts(labels) {
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
          cells[name].textContent = typeof value === "string" ? value : format(value);
        }
      };
    }
  }

  /* 4 decimals, a true minus sign, no minus before zero. */
  const format = (value) => value.toFixed(4).replace(/^-(0\.0+)$/, "$1").replace("-", "−");

  const mount = (root) => {
    if (!figures.has(root)) figures.set(root, new Figure(root));
  };

  /* The browser knows no id "explore?…": go there for it. */
  const arrive = () => {
    const [id, query] = fragment();
    if (query) document.getElementById(id)?.scrollIntoView();
    for (const figure of figures.values()) figure.restore();
  };

  document.addEventListener("DOMContentLoaded", () => {
    const roots = [...document.querySelectorAll("[data-explorable]")].filter((root) => builders.has(root.dataset.explorable));
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        mount(target);
      }
    }, { rootMargin: "50%" });
    roots.forEach((root) => near.observe(root));
    addEventListener("beforeprint", () => roots.forEach(mount));
    addEventListener("keydown", ({ key }) => { if (key === "Tab") roots.forEach(mount); }); // before Tab has passed them by
    addEventListener("hashchange", arrive);
    arrive();
  });

  window.Explorables = { define: (name, build) => builders.set(name, build) };
})();
