# Every target makes its own virtual environment first; Python and pip are all it needs.

PYTHON ?= python3
OLDEST_PYTHON ?= $(PYTHON)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --prefer-binary

.PHONY: help demo test test-oldest test-newest fuzz lint docs gallery benchmark clean

help:
	@echo "make demo       compare all models and search heads and temperature of attention:"
	@echo "                on generated ratings, or on ml-100k if SKATTNREC_DATA names its folder"
	@echo "make test       style, types and tests, those in the documentation included"
	@echo "make lint       style and types"
	@echo "make fuzz       10,000 random inputs for every public entry, an hour or more"
	@echo "make test-oldest, make test-newest"
	@echo "                tests on the lowest versions that are declared, and on the newest there are"
	@echo "make gallery    draw every display, of ml-100k if SKATTNREC_DATA names its folder, in gallery"
	@echo "make docs       build the documentation and its gallery in docs/_build/html"
	@echo "make benchmark  accuracy and speed beside other libraries, on the data of SKATTNREC_DATA"
	@echo "make clean      remove what the other targets made"

demo: $(VENV)/plot.stamp
	$(BIN)/python -m skattnrec compare $(if $(SKATTNREC_DATA),ml-100k) --out demo-results

# PYTEST_ARGS chooses tests: make test PYTEST_ARGS="-x tests/kernels"
test: lint
	$(BIN)/python -m pytest -q -n 2 $(PYTEST_ARGS)

test-oldest: $(VENV)-oldest/made.stamp
	NUMBA_CACHE_DIR=$(abspath $(VENV)-oldest/numba) $(VENV)-oldest/bin/python -m pytest -q -n 2 $(PYTEST_ARGS)

test-newest: $(VENV)-newest/made.stamp
	NUMBA_CACHE_DIR=$(abspath $(VENV)-newest/numba) $(VENV)-newest/bin/python -m pytest -q -n 2 $(PYTEST_ARGS)

fuzz: $(VENV)/test.stamp
	SKATTNREC_FUZZ=nightly SKATTNREC_FUZZ_LAST=$(abspath $(VENV)/last-example.txt) \
		$(BIN)/python -X faulthandler -m pytest -q $(or $(PYTEST_ARGS),tests/fuzz)

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

gallery: $(VENV)/plot.stamp
	$(BIN)/python docs/pictures/gallery.py --out gallery

docs: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx -W docs docs/_build/html

benchmark: $(VENV)/plot.stamp
	$(PIP) --requirement benchmarks/requirements.txt
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/accuracy.py

clean:
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-newest demo-results gallery results *.egg-info
	rm -rf docs/_build docs/auto_examples docs/backreferences docs/generated docs/sg_execution_times.rst

# A stamp for the environment and one for each extra, so that later calls start at once.
$(VENV)/made.stamp:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)-oldest/made.stamp: pyproject.toml tests/oldest_versions.py
	rm -rf $(VENV)-oldest
	$(OLDEST_PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python tests/oldest_versions.py > $(VENV)-oldest/oldest.txt
	$(VENV)-oldest/bin/python -m pip --disable-pip-version-check install --quiet --prefer-binary \
		--constraint $(VENV)-oldest/oldest.txt --editable ".[plot,ann,test]"
	touch $@

# Made anew whenever it is asked for: what is newest changes.
.PHONY: $(VENV)-newest/made.stamp
$(VENV)-newest/made.stamp:
	$(PYTHON) -m venv --clear $(VENV)-newest
	$(VENV)-newest/bin/python -m pip --disable-pip-version-check install --quiet --prefer-binary \
		--upgrade --upgrade-strategy eager --editable ".[plot,ann,test]"

$(VENV)/%.stamp: pyproject.toml | $(VENV)/made.stamp
	$(PIP) --editable ".[$*]"
	touch $@
