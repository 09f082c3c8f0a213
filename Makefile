# make html · make test · make live · make clean: each sets up what it needs in .venv, the first time.
PYTHON ?= python3
export OMP_NUM_THREADS := 1
RUN := .venv/bin/python

.PHONY: help html pdf test faults live clean rtd margins mutants bench audit matrix vulnerabilities lock environment python
.NOTPARALLEL: # `make -j clean html` cleans first

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1: /p' Makefile

html: environment ## run every cell, build the site in build/html
	@$(RUN) conf/tools/build.py

pdf: environment ## build the site with all solutions in one PDF, build/html/solutions.pdf
	@chromium=$$($(RUN) conf/tools/browser.py) && CHROMIUM="$$chromium" $(RUN) conf/tools/build.py --pdf

test: pdf ## build where needed, then run all tests
	@chromium=$$($(RUN) conf/tools/browser.py) && CHROMIUM="$$chromium" $(RUN) -m pytest -n 2 --max-worker-restart 1 --dist loadfile -m "not long"

faults: environment ## build a small site through kills, full disks, damaged caches, bad cells, wrong clocks and many edits, at length
	@$(RUN) -m pytest -n 2 --max-worker-restart 1 --dist load tests/faults tests/building

live: environment ## build, show, and build again at every change
	@$(RUN) conf/tools/build.py --live

clean: ## remove build/, which holds everything built; .venv stays
	@echo "Removing build/ (the environment in .venv stays)."
	@rm -rf build

rtd: environment ## replay what Read the Docs does, in an empty folder and environment
	@$(RUN) conf/tools/rtd.py

margins: environment ## repeat all pages, or PAGES="1a 1b", ten times with other seeds: do their claims hold?
	@$(RUN) conf/tools/margins.py $(PAGES)

mutants: environment ## try the package, or MODULES="dirac packing", with one small error at a time: does a test notice?
	@$(RUN) conf/tools/mutants.py $(MODULES)

bench: html ## measure trainer, tools and growth, or PARTS="tools": over an hour, the trainer alone two minutes
	@chromium=$$($(RUN) conf/tools/browser.py) && for part in $(or $(PARTS),trainer tools growth); do \
	    CHROMIUM="$$chromium" $(RUN) "bench/$$part.py" || exit 1; done

audit: environment ## measure build/html against its promises, all pages or PAGES="2a 3b", RUNS=5 of Lighthouse; half an hour
	@chromium=$$($(RUN) conf/tools/browser.py) && CHROMIUM="$$chromium" $(RUN) bench/audit/audit.py $(PAGES) $(if $(RUNS),--runs $(RUNS))

matrix: environment ## test the oldest and the newest allowed packages on each Python, or PYTHONS=3.12 SETS=oldest
	@chromium=$$($(RUN) conf/tools/browser.py) && CHROMIUM="$$chromium" \
	    $(RUN) conf/tools/matrix.py $(if $(PYTHONS),--python $(PYTHONS)) $(if $(SETS),--set $(SETS))

vulnerabilities: environment ## has a locked package a known vulnerability? exceptions: requirements/vulnerabilities.toml
	@$(RUN) conf/tools/vulnerabilities.py

lock: python ## choose the newest allowed versions anew, in requirements/lock.txt; torch stays
	@uv=$$("$(PYTHON)" conf/tools/tool.py uv) && "$$uv" pip compile pyproject.toml \
	    --group site --group dev --group build \
	    --constraints requirements/torch.txt --no-emit-package torch --upgrade \
	    --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	    --custom-compile-command "make lock" --quiet --output-file requirements/lock.txt

environment: python
	@"$(PYTHON)" conf/tools/environment.py

python:
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer \
	(https://www.python.org/downloads/) or say where it is: make PYTHON=/path/to/python3.12 html"; exit 1; }
