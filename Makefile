# One verb per chore. `make` alone lists them.
# Paths are relative throughout, so the folder may have any name.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

# What is installed is named after what was asked for, and where the folder lies (editable
# installs point there). While that stands, pip is not called and no network is needed.
INSTALL_KEY := $(shell { pwd; cat pyproject.toml constraints.txt sdk/python/pyproject.toml; } | cksum | tr ' ' '-')
INSTALLED := $(VENV)/installed-$(INSTALL_KEY)

# Compiling all that comes along takes longer than installing it, and most of it is never imported.
PIP_INSTALL := $(PY) -m pip install --disable-pip-version-check --no-compile -c constraints.txt

# The client's tools, from npm, which build the page too.
SDK_TOOLS := ../../../sdk/js/node_modules

.DEFAULT_GOAL := help
.PHONY: help install demo serve test lint format js page proto bench bench-engine eval fuzz fuzz-api soak train clean

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

$(PY):
	$(PYTHON) -m venv $(VENV)

# setuptools first and without build isolation: the pinned one builds, and nothing else is fetched.
$(INSTALLED): | $(PY)
	$(PIP_INSTALL) setuptools
	$(PIP_INSTALL) --no-build-isolation -e sdk/python -e '.[dev,train]'
	@rm -f $(VENV)/installed-*
	@touch $@

install: $(INSTALLED) ## Make the environment in .venv (every verb does)

demo: $(INSTALLED) ## Start everything, play two worlds, write out/demo, stop
	$(PY) -m bench.demo

serve: $(INSTALLED) ## Start the service and stay up until Ctrl-C
	$(PY) -m serving

# Two processes: what starts whole services and mostly waits runs in one of them, beside the rest.
test: $(INSTALLED) ## Run the tests
	$(PY) -m pytest -n 2 --no-loadscope-reorder

lint: $(INSTALLED) ## Check style, types, imports, protos and generated code
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m basedpyright
	$(PY) -c 'from importlinter.cli import lint_imports_command as main; main()'
	$(VENV)/bin/buf lint
	$(PY) protos/generate.py --check
	$(PY) protos/document.py --check

format: $(INSTALLED) ## Put the code into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

js: ## Generate, check, test and build the client for JavaScript (needs node and npm ci --prefix sdk/js)
	cd sdk/js && npm run generate && npm run build && npm run check && npm test

page: ## Check, test and build the page (needs node and npm ci --prefix sdk/js)
	cd serving/web/page && $(SDK_TOOLS)/typescript/bin/tsc -p .
	cd serving/web/page && $(SDK_TOOLS)/vitest/vitest.mjs run
	node serving/web/page/build.mjs

proto: $(INSTALLED) ## Generate the messages and docs/{api,errors}.md from protos/
	$(PY) protos/generate.py
	$(PY) protos/document.py
	$(VENV)/bin/buf lint

bench: $(INSTALLED) ## Measure, and write dated results to bench/results
	$(PY) -m bench

bench-engine: $(INSTALLED) ## Measure the engine alone, by stage, batch and roofline (a quarter of an hour)
	$(PY) -m bench.engine

eval: $(INSTALLED) ## Measure what the embedded model can do (half an hour)
	$(PY) -m bench.evaluation

fuzz: $(INSTALLED) ## Every verb in any order, 500 runs of 30 (half an hour)
	$(PY) -m bench fuzz

fuzz-api: $(INSTALLED) ## Every request message, 800 of each, and every parser (half an hour)
	NACRE_FUZZ_EXAMPLES=800 $(PY) -m pytest --timeout 1200 tests/fuzz
	-$(PIP_INSTALL) atheris
	$(PY) -m tests.fuzz.guided 120

soak: $(INSTALLED) ## Play for an hour, and look for drift
	$(PY) -m bench soak --seconds 3600

train: $(INSTALLED) ## Train the embedded model from nothing (hours)
	$(PY) -m model.training

clean: ## Remove what was made, the environment included
	rm -rf $(VENV) out build .pytest_cache .ruff_cache .import_linter_cache .hypothesis
