// What html-validate asks of every page: the HTML standard, accessibility, whole documents. Beside each rule that is
// switched off stands why.
module.exports = {
  root: true,
  extends: ["html-validate:standard", "html-validate:a11y", "html-validate:document"],
  rules: {
    // every script and style comes from the site itself, under its Content-Security-Policy: whoever changed the file
    // could change the digest as well
    "require-sri": "off",
    // the search dialog answers while one types, and Enter opens the first result: a button would add nothing
    "wcag/h32": "off",
    // docutils writes the list of references as <div role="list">, which is as good as <ul> to whom it is read
    "prefer-native-element": ["error", { exclude: ["list", "listitem"] }],
  },
};
