/* What the laboratories add to core.js, which other pages do not load: controls for many options, buttons, ellipses. */
(() => {
  "use strict";
  const { make, Figure, Panel } = Explorables;

  Object.assign(Panel.prototype, {
    /* Ellipses [x, y, half their width, half their height, …] of a square panel as one shape. */
    ellipses(role, list) {
      const d = list.map(([x, y, ...half]) => {
        const [a, b] = half.map((side) => (side * this.scale).toFixed(2));
        return `M${(this.X(x) - a).toFixed(1)},${this.Y(y).toFixed(1)}a${a},${b} 0 1 0 ${2 * a},0a${a},${b} 0 1 0 ${-2 * a},0`;
      });
      make(this.layer, "path", { class: role, d: d.join("") });
    },
  });

  Object.assign(Figure.prototype, {
    /* As radios, for many options: a list that opens. */
    choice(name, label, options) {
      const id = `${this.name}-${name}`;
      const row = make(this.rows, "div", { class: "explorable-choice" });
      make(row, "label", { for: id }, label);
      const input = make(row, "select", { id });
      for (const [value, text] of Object.entries(options)) make(input, "option", { value }, text);
      input.addEventListener("change", () => this.changed());
      const control = {
        name,
        input,
        get text() { return input.value; },
        accept(text) {
          const fits = Object.hasOwn(options, text);
          if (fits) input.value = text;
          return fits;
        },
      };
      this.controls.push(control);
      return control;
    },

    /* Buttons in a row: [[label, act], …]; returns them. */
    buttons(list) {
      this.row = make(this.form, "div", { class: "explorable-jumps" });
      return list.map(([label, act]) => {
        const button = make(this.row, "button", { type: "button" }, label);
        button.addEventListener("click", act);
        return button;
      });
    },
  });
})();
