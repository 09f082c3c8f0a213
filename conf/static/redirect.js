// A short link leads on and keeps what stands behind the address: the query and the anchor, with a figure's state.
(function () {
  "use strict";
  location.replace(document.currentScript.dataset.to + location.search + location.hash);
})();
