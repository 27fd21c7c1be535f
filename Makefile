# `make demo` and `make test` do all the set-up into .venv; nothing has to be installed by hand.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test lint lint-style lint-types lint-layers bench chaos generate lock clean

help:
	@grep -hE '^[a-z]+:.*#' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*# */make \1\t/' | expand -t 16

demo: $(READY)  # the main job, offline, on the embedded model
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tests/demo/demo.sh

test: $(READY)  # lint, types, layers, and the whole suite
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest -n auto --dist loadfile tests || { \
	  echo "once more, alone: thousands of real processes beside each other are late at times, a fault is one always" >&2; \
	  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none tests; }

lint: $(READY)  # ruff, mypy strict, import layers
	@$(MAKE) --no-print-directory -j2 lint-style lint-types lint-layers

lint-style:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

lint-types:
	@$(BIN)/mypy

lint-layers:
	@$(BIN)/lint-imports --no-cache

bench: $(READY)  # the figures of the README: start-up, nano model
	@$(BIN)/python -m tests.bench

chaos: $(READY)  # 10,000 runs through three providers that fail three times in ten, and every trouble a machine can have
	@$(BIN)/python -m tests.chaos

generate: $(READY)  # rewrite man/, completions/, golden files and the README's outputs; then look at git diff
	@$(BIN)/python -m synapse_cli.cli.generate .
	@$(BIN)/python -m pytest tests/golden tests/docs --regen --no-header --tb=no || true
	@$(BIN)/python -m pytest tests/golden tests/docs

lock:  # resolve the dependencies anew
	$(BIN)/uv lock

clean:  # remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# llama-cpp-python has no wheel on the registry: its build takes some minutes once, and uv keeps the result.
$(READY): pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 && $(BIN)/python -m pip install -q --disable-pip-version-check 'uv>=0.5' || true
	@echo "installing into .venv (the first time llama.cpp is compiled, about five minutes on two cores)" >&2
	@$(BIN)/uv sync --frozen --inexact --group dev
	@touch $(READY)
