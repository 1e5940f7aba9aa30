# `make demo` and `make test`, and `make docs` for the documents. They set up what they need in .venv and can be repeated.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
RUNS ?= automl-runs
PROCESSES ?= 3

.PHONY: demo test docs terminal lint types setup-demo setup-test setup-docs clean

DEMO := $(BIN)/automl search --data demo-data/data.yaml --budget 14cpu-min --models configs/demo/tiny.yaml \
	  --weights none --imgsz 96 --epochs 12 --train 60 --batch 8 --set nbs=8 --export hyp.yaml

demo: .venv/.demo
	$(BIN)/automl demo-data demo-data
	AUTOML_HOME=$(RUNS) $(DEMO)
	@echo "See it again with: $(BIN)/automl show"
	@echo "Look at it in the browser with: AUTOML_HOME=$(RUNS) $(BIN)/automl dashboard"

# Files of tests side by side: most of their time they wait for programs that they have started. In the order of their
# names: contracts and whole commands take minutes a file, and the many short ones of tests/unit then fill the gaps.
BESIDE := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder
test: .venv/.test browser lint types
	$(BIN)/python -m pytest $(BESIDE) -m "not long" $(PYTEST_ARGS)

# The tests that take minutes each: before a release, and before a change of what they test is done.
.PHONY: test-long faults
test-long: .venv/.test browser
	AUTOML_NEW_EXAMPLES=1 $(BIN)/python -m pytest $(BESIDE) -m long $(PYTEST_ARGS)

# Every fault of docs/faults.md, really made: the table with results, seconds and date.
faults: .venv/.test
	$(BIN)/python -m tests.tools.faults $(PYTEST_ARGS)

# The README's terminal, from a demo of its own. Those of the page are taken by tests/tools/page_pictures.py.
terminal: .venv/.test
	$(BIN)/automl demo-data demo-data
	AUTOML_HOME=$$(mktemp -d) $(BIN)/python -m tests.tools.terminal_picture docs/images/terminal.svg $(DEMO)

# A dead link or a page that the navigation lacks is an error. The variable silences an advertisement.
docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Known vulnerabilities of what is installed in .venv, by the index of packages. Not a part of `make test`: it changes
# from day to day, and needs the network.
.PHONY: audit
audit: .venv/.test
	@$(BIN)/python -m pip_audit --version >/dev/null 2>&1 || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.7,<3' || \
	  { echo "pip-audit cannot be installed: no index of packages can be reached." >&2; exit 1; }
	@$(BIN)/python -m tests.tools.audit $(AUDIT_ARGS)

# Unit and contract tests with the lowest versions that pyproject.toml allows, in an environment of its own. The lowest
# torch is a CUDA build, as every torch of the index is: some 3 GB to download, and it runs on a CPU as well.
# `make test-lowest LOWEST_KEEP="torch torchvision"` takes the newest of those instead.
LOWEST ?= .venv-lowest
LOWEST_KEEP ?=
.PHONY: test-lowest
test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest tests/unit tests/contract -m "not gpu" $(PYTEST_ARGS)

$(LOWEST)/.installed: pyproject.toml tests/tools/lowest_versions.py
	test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(PYTHON) -m tests.tools.lowest_versions $(LOWEST_KEEP) > $(LOWEST)/pins.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
	  -r $(LOWEST)/pins.txt $(LOWEST_KEEP)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.test
	$(BIN)/mypy

setup-demo: .venv/.demo
setup-test: .venv/.test
setup-docs: .venv/.docs

.venv/.demo: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,page]'
	$(MAKE) --no-print-directory libraries
	touch $@

.venv/.test: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(MAKE) --no-print-directory libraries
	touch $@ .venv/.demo

.venv/.docs: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	touch $@

# OpenCV's wheel, which ultralytics depends on, needs two shared libraries that bare images lack.
.PHONY: libraries
libraries:
	@if ! $(BIN)/python -c 'import cv2' 2>/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends libgl1 libglib2.0-0; \
	  else \
	    echo "OpenCV cannot be loaded: install libgl1 and libglib2.0-0 with your package manager." >&2; exit 1; \
	  fi; \
	fi

# Tests of the page drive a real browser.
.PHONY: browser
browser:
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	fi

clean:
	rm -rf .venv .venv-lowest demo-data site $(RUNS) hyp.yaml hyp-init.pt
