"""Settings of the site, and nothing but settings: what they mean is at https://www.sphinx-doc.org/en/master/usage/configuration.html."""

import gc
import os
import platform
import sys
from importlib.metadata import version as installed
from pathlib import Path

from pybtex.plugin import find_plugin, register_plugin

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "conf"), str(ROOT / "code")]  # site_builder and genmodels of this checkout

from site_builder import site_address  # noqa: E402 (from the folders just named)
from site_builder.extensions import page_names  # noqa: E402

gc.disable()  # looking for garbage among the pages' trees would take a quarter of the time, and find little

project = "Deep generative models, solved"
author = "The worked-solutions authors"
project_copyright = "The worked-solutions authors. Text and figures: CC BY 4.0, code: MIT"
language = "en"
OWN = """
    equation_numbers katex_math executed_pages claims_ledger assets explorable_directive
    search_index page_facts page_previews short_pages link_list not_found package_page answers
    notebooks source_pages questions pictures cards
"""  # in conf/site_builder/extensions/
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinxcontrib.bibtex",
    *(f"site_builder.extensions.{name}" for name in OWN.split()),
]

# the build's own folders; a second build elsewhere (make live) shares the executed cells
site_root = str(ROOT)
site_build = os.environ.get("SITE_BUILD", str(ROOT / "build"))
# strict: a dead reference is an error, also inside the API pages; the exceptions stand in nitpick_ignore_regex with
# their reason
nitpicky = True
nitpick_ignore_regex = [
    # classes of other projects and of the standard library, whose inventories would have to be fetched
    (
        r"py:.*",
        r"(numpy|torch|matplotlib|abc|np|collections|pathlib|typing|types|ndarray|Tensor|Axes|Figure|Generator|optional|shape).*",
    ),
    (r"py:class", r"(NDArray|ArrayLike|float64|Iterable|Iterator|Sequence|Callable|Path|Literal.*)"),
    (r"py:class", r"Frozen"),  # an alias of a Literal: no class, and no page of its own
]
root_doc = "index"

# Markdown: no amsmath, whose environments get random ids; $$ with a label does the same
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_inline", "attrs_block", "substitution"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
nb_execution_mode = "off"  # the cells have run before, see run_cells.py
nb_custom_formats = {".md": ["site_builder.extensions.executed_pages.read", {}, False]}
# {{ versions }} lists what the site is built with; no times, which would make two builds differ
packages = ("torch", "numpy", "scipy", "scikit-learn", "matplotlib", "Sphinx", "myst-nb", "sphinx-book-theme")
myst_substitutions = {
    "versions": "\n".join(
        [f"- Python {platform.python_version()}", *(f"- {name} {installed(name)}" for name in packages)]
    )
}

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"
bibtex_tooltips = False  # cards say it
for name in ("docutils", "markdown", "plaintext"):  # else pybtex looks through all that is installed, for each citation
    register_plugin("pybtex.backends", name, find_plugin("pybtex.backends", name), force=True)

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
toc_object_entries = False  # the list on the page names the modules; what they hold is in the index

html_math_renderer = "katex"
html_theme = "sphinx_book_theme"
html_title = project
html_short_title = "Generative models"
html_static_path = ["static"]
html_favicon = "static/favicon.svg"
templates_path = ["templates"]
html_css_files = ["site.css", "frame.css", "search.css", "links.css", "cards.css", "print.css"]
html_js_files = ["frame.js", "site.js", "search.js", "links.js", "copy.js", "cards.js"]
html_domain_indices = False  # the package has one page, which is its own index
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_permalinks_icon = "#"
# the site's own layout takes none of the theme's parts, which the theme would render for every page to see whether any
# is empty, its list of all pages among them
html_sidebars: dict[str, list[str]] = {"**": []}
html_theme_options: dict[str, object] = {
    "article_header_start": [],
    "article_header_end": [],
    "footer_content_items": [],
    "secondary_sidebar_items": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

# what a page counts in search; all others count fully, and those that count nothing are left out
search_weights = [
    (r"speed|sheet-\d+/answers", 0.0),  # says that what stood there is gone; repeats the pages' answers
    (r"sheet-\d+/\d[a-z]?-.*", 1.0),
    (r"sheet-\d+/.*", 0.8),
    (r"notation|index", 0.5),
    (r"api/.*|results|literature", 0.3),
    (r".*", 0.4),
]

copybutton_exclude = ".linenos, .gp, .go"

# /2a.html leads to question 2 (a), whatever its page is called
short_links = page_names.short_links(ROOT / "docs")

# folders without a page of their own: the sheet's is on the front page, and the package has a page
folders = ["source", *(path.name for path in ROOT.glob("docs/sheet-*"))]
html_additional_pages = {f"{name}/index": "folder.html" for name in folders}

# the address of the site and of its sources, as far as the environment says; where it says nothing, no page claims one
html_baseurl = ogp_site_url = site_address.site_url(os.environ)
edit_url = site_address.edit_url(os.environ)
ogp_site_name = project
ogp_custom_meta_tags = ('<meta name="twitter:card" content="summary_large_image" />',)
ogp_social_cards = {"enable": False}  # page_previews draws them
notfound_template = "404.html"
notfound_context: dict[str, str] = {"title": "This page is not here"}
notfound_urls_prefix = site_address.root_path(os.environ)
if html_baseurl:
    extensions += ["sphinx_sitemap"]  # warns where there is no address
    sitemap_url_scheme = "{link}"
    sitemap_show_lastmod = True
    made = ("source/*", "search.html", "genindex.html", "404.html")
    sitemap_excludes = [*made, *(f"{name}.html" for name in (*short_links, *html_additional_pages))]

# the last change of each page, from git; without git, or in a copy without the history, pages show none
html_last_updated_fmt = "%-d %B %Y"
git_last_updated_timezone = "UTC"  # two builds in two places give the same bytes
suppress_warnings = ["git.command_not_found", "git.subprocess_error", "git.too_shallow"]
