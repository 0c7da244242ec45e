# Every target makes its own virtual environment first; Python and pip are all it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint docs gallery benchmark clean

help:
	@echo "make demo       compare all models and search heads and temperature"
	@echo "make test       style, types and tests"
	@echo "make lint       style and types only"
	@echo "make docs       build the documentation in docs/_build"
	@echo "make benchmark  accuracy and speed beside other libraries"
	@echo "make clean      remove what the other targets made"

$(VENV)/%.stamp: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@

demo: $(VENV)/plot.stamp
	$(BIN)/python -m skattnrec compare $(if $(SKATTNREC_DATA),ml-100k) --out demo-results

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -q

gallery: docs  ## the examples are drawn with the documentation

benchmark: $(VENV)/plot.stamp
	$(BIN)/python -m pip install --quiet -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/accuracy.py

docs: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx -W -b html docs docs/_build/html

clean:
	rm -rf $(VENV) demo-results docs/_build docs/auto_examples docs/generated
