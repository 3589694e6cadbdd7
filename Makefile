# Everything is set up in .venv, from PyPI, with the exact versions of requirements/.
# A fresh machine needs python3 (3.11 or later), make and a package index.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
UV := $(RUN) -m uv
# An environment belongs to one folder and one Python: for another it is made anew.
HERE := $(shell { pwd; $(PYTHON) -c 'import sys; print(sys.version, sys.base_prefix)'; } 2>&1 | cksum | cut -d ' ' -f 1)
BASE := $(VENV)/.base-$(HERE)
DEMO := $(VENV)/.demo-$(HERE)
DEV := $(VENV)/.dev-$(HERE)
BENCH := $(VENV)/.bench-$(HERE)

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check bench docs golden requirements clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-13s %s\n' "$$name" "$$what"; done

demo: $(DEMO) ## Set up what a user needs, then compile, check, deploy and run a pipeline
	@echo "==> running examples/demo.py, against an emulator on this machine"
	@$(RUN) examples/demo.py

test: $(DEV) ## Set up, then run the tests on this Python
	@echo "==> running the tests"
	@$(RUN) $(MEASURED) -m pytest -n auto --dist loadfile $(APART)

# The laws come with their gate, which gives them a larger budget.
check: $(DEV) ## Run `make test`, measured, then every gate: what CI runs
	@$(RUN) -m coverage erase
	@$(MAKE) --no-print-directory test MEASURED="-m coverage run" APART="--ignore tests/laws"
	@echo "==> running the gates of noxfile.py"
	@IS_TESTED=1 $(RUN) -m nox

bench: $(BENCH) ## Print the table of benchmarks
	@echo "==> running the benchmarks"
	@$(RUN) benchmarks/run.py
	@echo "==> running the emulator"
	@$(RUN) benchmarks/emulator.py
	@echo "==> comparing definitions"
	@$(RUN) benchmarks/diff.py
	@echo "==> planning fleets"
	@$(RUN) benchmarks/plan.py
	@echo "==> drawing pictures"
	@$(RUN) benchmarks/render.py
	@echo "==> rendering reviews"
	@$(RUN) benchmarks/review.py

docs: $(DEV) ## Build the documentation into docs/_build/html
	@echo "==> building the documentation"
	@$(RUN) -m nox --session docs

golden: $(DEV) ## Rewrite the expected texts in tests; review the diff like code
	@$(RUN) -m nox --session golden

requirements: $(BASE) ## Compile requirements/*.txt from pyproject.toml anew
	@echo "==> compiling requirements/ (existing pins are kept; UPGRADE=1 takes the newest)"
	@$(COMPILE) --all-extras --group dev --output-file requirements/dev.txt
	@$(COMPILE) --extra emulator --extra cli --constraints requirements/dev.txt --output-file requirements/demo.txt
	@$(COMPILE) --group bench --constraints requirements/dev.txt --output-file requirements/bench.txt

clean: ## Remove everything that make, nox and the tools have made
	@echo "==> removing the environments, builds and caches"
	@rm -rf $(VENV) .nox .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@rm -rf build dist docs/_build .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

COMPILE = $(UV) pip compile pyproject.toml --universal --quiet $(if $(UPGRADE),--upgrade) \
	--no-emit-index-url --custom-compile-command "make requirements"

$(BASE): requirements/dev.txt
	@command -v $(PYTHON) >/dev/null || { \
		echo "flow64 needs Python 3.11 or later, and there is no $(PYTHON) here."; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "flow64 needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
		"Say which one to use: make PYTHON=python3.13"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments (venv or ensurepip is missing)." \
		"On Debian and Ubuntu: apt install python3-venv"; exit 1; } >&2
	@test -e $@ || { echo "==> making $(VENV) with $$($(PYTHON) --version)"; \
		$(PYTHON) -m venv --clear $(VENV); }
	@echo "==> installing uv into $(VENV)"
	@$(RUN) -m pip install --quiet --constraint requirements/dev.txt uv
	@touch $@

$(DEMO): $(BASE) pyproject.toml requirements/demo.txt
	@echo "==> installing flow64 and what it runs on"
	@$(UV) pip install --quiet --build-constraints requirements/dev.txt --requirement requirements/demo.txt --editable .
	@touch $@

$(DEV): $(BASE) pyproject.toml requirements/dev.txt
	@echo "==> installing flow64 and the tools of its gates"
	@$(UV) pip install --quiet --build-constraints requirements/dev.txt --requirement requirements/dev.txt --editable ".[all]"
	@touch $@ $(DEMO)

$(BENCH): $(DEV) requirements/bench.txt
	@echo "==> installing what the benchmarks compare with"
	@$(UV) pip install --quiet --requirement requirements/bench.txt
	@touch $@
