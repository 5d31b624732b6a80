# `make demo` and `make test` are all that a fresh machine needs: Python 3.11+, git and make.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test lint types docs bench clean

demo: $(READY)
	$(BIN)/merkl run examples.digits.train_eval --epochs 30

test: lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile -q

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/mypy
	$(BIN)/basedpyright --level error

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

# MerkL beside other frameworks, which need versions of their own.
bench:
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements.txt -e .
	.venv-bench/bin/python benchmarks/bench_peers.py

clean:
	rm -rf .venv .venv-bench .merkl build
