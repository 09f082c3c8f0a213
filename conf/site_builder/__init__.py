"""How the site is made.

From a page's Markdown to its HTML, in ten lines:

1. ``make html`` makes .venv (environment.py), then calls ``python -m site_builder html`` (__main__.py, build.py).
2. pages.py reads docs/**/*.md as notebooks; dependencies.py gives each a digest of all that its outputs depend on.
3. Where outputs.py has nothing under that digest, run_cells.py runs the page in a process of its own (cell_process.py).
4. build.py starts Sphinx over all pages, from nothing, into build/html.new; a warning is an error (conf.py: settings).
5. extensions/executed_pages.py hands Sphinx each page with its outputs; figure_svg.py makes its figures small files.
6. Directives and roles of extensions/ (claims, explorable, answers ...) make nodes; what shows other pages is a
   Gathering (gathering.py), filled in once all pages are read.
7. extensions/katex_math.py sets formulas; templates/layout.html is the frame of every page.
8. At the end extensions write what is no page: search_index.py, notebooks.py, short_pages.py, page_previews.py.
9. extensions/assets.py joins style sheets and scripts, leaves out what no page uses, and gives files their versions.
10. build.py exchanges build/html for the new folder. ``make live`` does 2 to 9 with Sphinx's own incremental build.
"""
