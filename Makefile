# make demo | gallery | test | quick | check | docs | format: each sets up what it needs, once.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
# Tests in a process of their own, because they send an interrupt to their process.
ALONE = tests/cli/test_bulk_interrupt.py tests/training/test_interrupt.py
PACKAGES = tests/javascript/node_modules/.ready

# The tests start hundreds of Python processes. Without bytecode files, each of them compiles all its modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo gallery test quick check docs format lock

demo: $(READY)
	$(BIN)/gallery demo

# The trained models of the gallery and a page to try them, at http://localhost:8501/, until Ctrl-C.
gallery: $(READY)
	$(BIN)/gallery serve --all

# All tests except those marked slow. Without npm, the tests that need TensorFlow.js are skipped.
test: $(READY) $(if $(shell command -v npm),$(PACKAGES))
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(addprefix --ignore ,$(ALONE))
	$(BIN)/python -m pytest $(ALONE)

# The tests that do not need TensorFlow, except those that take several seconds: half of the tests, in about a minute.
quick: $(READY)
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder --hypothesis-profile quick -m 'not models and not slow and not long'

# The linter, the type checker, and the documentation site.
check: docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/check build/lib && $(BIN)/pip install --quiet --no-deps --target build/check .
	cd build/check && MYPYPATH=. $(abspath $(BIN))/mypy --config-file $(abspath pyproject.toml) -p keras_gallery

# The documentation site, in build/site. Broken links and pages that are not in the navigation are errors.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Installed again when the dependencies change. Each file must have a hash in requirements.txt. The sources are used in
# place.
$(READY): pyproject.toml requirements.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else f"Expected Python 3.11 to 3.13. Received: {v[0]}.{v[1]} (choose another with: make PYTHON=python3.12)")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --requirement requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Writes requirements.txt: the versions of constraints.txt with the hashes of all their files, for all systems. Needs uv.
lock:
	$(BIN)/uv pip compile pyproject.toml --quiet --extra dev --constraint constraints.txt --universal \
		--python-version 3.11.5 --generate-hashes --no-header --no-annotate --output-file requirements.txt

$(PACKAGES): tests/javascript/package.json tests/javascript/package-lock.json
	cd tests/javascript && npm ci --ignore-scripts --no-audit --no-fund
	touch $@
