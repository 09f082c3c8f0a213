"""The built site's pages by name, for tests that look at each of them."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
MADE_BY_THE_BUILD = ["404.html", "genindex.html", "search.html", "source/genmodels.gan.train.html"]
EVERY_PAGE = sorted(path.relative_to(DOCS).with_suffix(".html").as_posix() for path in DOCS.rglob("*.md"))
EVERY_PAGE += MADE_BY_THE_BUILD
SOLUTIONS = [name for name in EVERY_PAGE if re.match(r"sheet-\d+/\d[a-z]-", name)]
LONGEST = ["sheet-2/2a-no-overlap.html", "sheet-2/1b-latent-space.html", "index.html"]
