# make html · make test · make browsers · make live · make clean: each sets up what it needs in .venv, the first time.
PYTHON ?= python3
RUN := .venv/bin/python
BUILD := $(RUN) -m site_builder
# a Chromium that is here, or is got
CHROMIUM = chromium=$$($(RUN) -m site_builder.chromium) && CHROMIUM="$$chromium"

.PHONY: help html pdf test browsers live margins experiments lock clean environment
.NOTPARALLEL: # `make -j clean html` cleans first

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1: /p' Makefile

html: environment ## run every stale cell, build the site in build/html; JOBS=4 runs four pages at a time
	@$(BUILD) html $(if $(JOBS),--jobs $(JOBS))

pdf: environment ## the same with all solutions in one PDF, build/html/solutions.pdf
	@$(CHROMIUM) $(BUILD) html --pdf $(if $(JOBS),--jobs $(JOBS))

test: pdf ## build, then run all tests, three at a time: some wait for what they have started
	@$(CHROMIUM) $(RUN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

browsers: html ## what a reader does, in Chromium, Firefox and WebKit, those of them that are here
	@$(RUN) -m pytest -q tests/engines

live: environment ## build, show, and build again at every change
	@$(BUILD) live

margins: environment ## repeat all pages, or PAGES="1a 1b", ten times with other seeds: do their claims hold?
	@$(BUILD) margins $(PAGES)

experiments: environment ## run the long experiments that are due, JOBS at a time, and store their results; it resumes
	@$(RUN) -m genmodels.experiments $(if $(JOBS),--jobs $(JOBS))

lock: environment ## choose the newest allowed versions anew, in requirements/lock.txt; torch stays
	@.venv/bin/uv pip compile pyproject.toml --group site --group dev --group build \
	    --constraints requirements/torch.txt --no-emit-package torch --upgrade \
	    --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	    --custom-compile-command "make lock" --quiet --output-file requirements/lock.txt

clean: ## remove build/, which holds everything built; .venv stays
	@rm -rf build

environment:
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer \
	(https://www.python.org/downloads/) or say where it is: make PYTHON=/path/to/python3.12 html"; exit 1; }
	@"$(PYTHON)" conf/site_builder/environment.py
