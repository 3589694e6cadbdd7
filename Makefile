# Everything is set up in .venv, from PyPI, with the exact versions of requirements/.
# A fresh machine needs python3 (3.11 or later), make and a package index.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
UV := $(RUN) -m uv
# An environment belongs to one folder and one Python. One that make has not made here,
# with this Python, may be in use: it is never replaced.
HERE := $(shell { pwd; $(PYTHON) -c 'import sys; print(sys.version, sys.base_prefix)'; } 2>&1 | cksum | cut -d ' ' -f 1)
BASE := $(VENV)/.base-$(HERE)
DEMO := $(VENV)/.demo-$(HERE)
TEST := $(VENV)/.test-$(HERE)
DEV := $(VENV)/.dev-$(HERE)
BENCH := $(VENV)/.bench-$(HERE)

export UV_PYTHON_DOWNLOADS := never
# Tests start hundreds of programs, each of which would compile flow64 again.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PRECIOUS: $(BASE) # it says whose .venv is, also if making it was interrupted
.PHONY: help demo test check bench docs golden requirements release clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-13s %s\n' "$$name" "$$what"; done

demo: $(DEMO) ## Compile, check, deploy and run a pipeline, on an emulator
	@$(RUN) examples/demo.py

test: $(TEST) ## Run the tests that are not slow, on this Python: about 2 minutes on two cores
	@$(RUN) -m pytest -n auto -m "not slow"

check: $(DEV) ## Run every gate, as CI does: about 5 minutes on two cores
	@$(RUN) -m nox

bench: $(BENCH) ## Run the benchmarks and print their table
	@$(RUN) benchmarks/run.py

docs: $(DEV) ## Build the documentation into docs/_build/html
	@$(RUN) -m nox --session docs

golden: $(DEV) ## Rewrite pages, reports, examples and transcripts; review the diff like code
	@$(RUN) -m nox --session golden

requirements: $(BASE) ## Compile requirements/*.txt from pyproject.toml again; UPGRADE=1 takes the newest
	@$(COMPILE) --extra all --group dev --output-file requirements/dev.txt
	@$(COMPILE) --extra all --group test --constraints requirements/dev.txt --output-file requirements/test.txt
	@$(COMPILE) --extra all --group test --group frames --constraints requirements/dev.txt --output-file requirements/frames.txt
	@$(COMPILE) --extra all --group test --group engines --output-file requirements/engines.txt
	@$(COMPILE) --extra emulator --extra cli --constraints requirements/dev.txt --output-file requirements/demo.txt
	@$(COMPILE) --group bench --constraints requirements/dev.txt --output-file requirements/bench.txt

release: $(DEV) ## Build the packages into dist/ and check them; publishes nothing
	@$(RUN) -m nox --session package

clean: ## Remove everything that make, nox and the tools created
	@rm -rf $(VENV) .nox .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@rm -rf build dist docs/_build .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

COMPILE = $(UV) pip compile pyproject.toml --universal --quiet $(if $(UPGRADE),--upgrade) \
	--no-emit-index-url --custom-compile-command "make requirements"

$(BASE): requirements/dev.txt
	@command -v $(PYTHON) >/dev/null || { \
		echo "flow64 needs Python 3.11 or later, but $(PYTHON) was not found."; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "flow64 needs Python 3.11 or later, but $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
		"Choose another one: make PYTHON=python3.13"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments (venv or ensurepip is missing)." \
		"On Debian and Ubuntu: apt install python3-venv"; exit 1; } >&2
	@test ! -e $(VENV) || test -e $@ || { \
		echo "$(VENV) was not made by make for this folder and $$($(PYTHON) --version)."; \
		echo "Remove it if it is not in use: rm -r $(VENV)"; \
		echo "Or use another folder: make $(MAKECMDGOALS) VENV=$(VENV)-make"; exit 1; } >&2
	@test -x $(VENV)/bin/pip || { echo "==> making $(VENV) with $$($(PYTHON) --version)"; \
		mkdir -p $(VENV); touch -t 200001010000 $@; $(PYTHON) -m venv $(VENV); }
	@echo "==> installing uv into $(VENV)"
	@$(RUN) -m pip install --quiet --constraint requirements/dev.txt uv
	@touch $@

$(DEMO): $(BASE) pyproject.toml requirements/demo.txt
	@echo "==> installing flow64 and what it needs"
	@$(UV) pip install --quiet --build-constraints requirements/dev.txt --requirement requirements/demo.txt --editable .
	@touch $@

$(TEST): $(BASE) pyproject.toml requirements/test.txt
	@echo "==> installing flow64 and what its tests need"
	@$(UV) pip install --quiet --build-constraints requirements/dev.txt --requirement requirements/test.txt --editable ".[all]"
	@touch $@ $(DEMO)

$(DEV): $(BASE) pyproject.toml requirements/dev.txt
	@echo "==> installing flow64 and the tools of its gates"
	@$(UV) pip install --quiet --build-constraints requirements/dev.txt --requirement requirements/dev.txt --editable ".[all]"
	@touch $@ $(DEMO) $(TEST)

$(BENCH): $(DEV) requirements/bench.txt
	@echo "==> installing what the benchmarks compare with"
	@$(UV) pip install --quiet --requirement requirements/bench.txt
	@touch $@
