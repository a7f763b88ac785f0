# Zhiyin 知音. `make chat` sets everything up and opens the chat; `make test` sets everything up and tests.
# A Python of your choice: make chat PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DONE := .setup
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup dev chat test coverage test-fast check format bench screenshots clean

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DONE)/packages $(DONE)/index  ## environment, weights and demo index; does nothing when nothing changed

dev: setup $(DONE)/dev  ## the same and the tools for tests

chat: setup  ## open the chat page (options: make chat ARGS="--port 8000")
	$(BIN)/python app.py $(ARGS)

test: dev  ## every test, in two processes
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

coverage: dev  ## the same with coverage, which is slower
	$(BIN)/python -m pytest --cov --cov-report=term $(ARGS)

test-fast: dev  ## the tests that need no weights and no browser
	$(BIN)/python -m pytest -m "not model and not slow and not browser" $(ARGS)

check: dev  ## lint, format, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

format: dev  ## sort imports and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: dev  ## speed on this machine, as ratios to the bare engines
	$(BIN)/python -m benchmarks.speed $(ARGS)
	$(BIN)/python -m benchmarks.imports
	$(BIN)/python -m benchmarks.scale

screenshots: dev  ## the README's screenshots, with the real model
	$(BIN)/python -m benchmarks.screenshots docs/screenshots

clean:  ## remove the environment (weights, index and user data stay)
	rm -rf $(VENV) $(DONE)

$(DONE)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
		{ echo "Zhiyin needs Python 3.10 to 3.13; $(PYTHON) is another. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(DONE) && touch $@

$(DONE)/packages: $(DONE)/venv pyproject.toml constraints.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e .
	@touch $@

$(DONE)/dev: $(DONE)/packages
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev]'
	@touch $@

$(DONE)/weights: $(DONE)/packages chatbot/llm/weights.toml
	$(BIN)/python app.py weights
	@touch $@

$(DONE)/index: $(DONE)/weights $(wildcard retrieval/*.py retrieval/domains/movies/*)
	$(BIN)/python app.py index
	@touch $@
