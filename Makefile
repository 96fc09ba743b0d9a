# The course's commands; 'make help' lists them. Each one sets up what it needs first (tools/setup_env.py);
# the first time takes some minutes, after that nothing.
#
#   PYTHON=...    the Python (3.11 or newer) to build the environment with
#   LABFLAGS=...  flags for JupyterLab, such as LABFLAGS='--no-browser --port 9000'

PYTHON ?=
LABFLAGS ?=
export PYTHON
unexport PYTHONHOME PYTHONPATH

ifeq ($(OS),Windows_NT)
  PY := .venv/Scripts/python
else
  PY := .venv/bin/python
endif

# Any Python can run the set-up script, which then picks the one to build the environment with.
SETUP := p=; for p in "$(PYTHON)" python3 python3.13 python3.12 python3.11 python; do \
  "$$p" -c 'f""' >/dev/null 2>&1 && break; p=; done; \
  test -n "$$p" || { echo "No Python was found: install Python 3.11 or newer (https://www.python.org/downloads/)." >&2; exit 1; }; \
  "$$p" tools/setup_env.py

NODE = "$$($(PY) -c 'from playwright._impl._driver import compute_driver_executable as f; print(f()[0])')"

# A few processes share the tests, file by file; what is held against another program's time comes by itself.
SIDE_BY_SIDE := -n auto --maxprocesses=4 --dist loadfile
TIMED := tests/bench

.PHONY: help lab test bench figures notebooks student clean setup-lab setup-test browser
.DEFAULT_GOAL := help

help: ## list the commands
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s%s\n", $$1, $$2 }'

lab: setup-lab ## set up, and open the notebooks in JupyterLab
	@$(PY) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks \
	  $$([ "$$(id -u 2>/dev/null)" = 0 ] && echo --allow-root) $(LABFLAGS)

test: setup-test browser ## set up, and run every check
	@echo "== ruff check"
	@$(PY) -m ruff check .
	@echo "== ruff format"
	@$(PY) -m ruff format --check .
	@echo "== the widgets' JavaScript"
	@$(NODE) --test tests/stepper/*.test.mjs
	@echo "== the inner loops, compiled"
	@$(PY) -m course_utils.compiled
	@echo "== pytest, what can run side by side"
	@$(PY) -m pytest $(SIDE_BY_SIDE) $(TIMED:%=--ignore=%)
	@echo "== pytest, what is timed"
	@$(PY) -m pytest $(TIMED)
	@echo "== the notebooks give the outputs they show"
	@$(PY) -m pytest $(SIDE_BY_SIDE) --nbval notebooks
	@echo "All gates passed."

bench: setup-test ## run the benchmarks
	@$(PY) -m benchmarks

figures: setup-test ## draw the figures again
	@$(PY) tools/figures.py

notebooks: setup-test ## run the notebooks again, outputs included
	@$(PY) tools/notebooks.py run

student: setup-test ## make the students' edition in dist/student
	@$(PY) -m course_utils.grading.student dist/student

clean: ## remove the environment and the caches; dist stays, somebody may have worked in it
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name .git -prune -o -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -print \
	  | while read -r folder; do rm -rf "$$folder"; done

setup-lab:
	@$(SETUP) lab

setup-test:
	@$(SETUP) test

browser: setup-test
	@path=$$($(PY) tools/find_browser.py) && echo "The browser for the tests is $$path."
