# Two commands do all the set-up: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run test test-all gpu site lessons fuzz mutants check lint types format docs board clean

run: $(VENV)/.run
	$(BIN)/python -m compare run or_gate digits_softmax

# The fast tests: about four minutes on two idle cores.
test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

# Every test; takes ten minutes or more.
test-all: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# On a CUDA device, without a network: tests, lessons and benchmarks in 8 minutes, written
# to docs/benchmarks-cuda.md. Installs only the packages that lie in `wheels`, if any.
gpu: GPU_PYTHON := $(firstword $(wildcard $(BIN)/python) $(PYTHON))
gpu:
	test ! -d wheels || $(GPU_PYTHON) -m pip install --quiet --no-index wheels/*.whl
	$(GPU_PYTHON) -m benchmarks.gpu

# Every lesson from beginning to end: whether its claims hold; takes minutes.
lessons: $(VENV)/.run
	$(BIN)/python -m compare run all --jobs 2

# The lessons, guides and reference as pages to open from disk: build/site/index.html.
site: $(VENV)/.site
	$(BIN)/python docs/site/build.py

# 100,000 random examples against torch, and 500,000 calls with random garbage;
# FUZZ='--seed 5 --examples 1' asks others.
fuzz: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz.py $(FUZZ)
	OMP_NUM_THREADS=1 $(BIN)/python tests/garbage.py $(FUZZ)

# Changes handmade in every small way and counts what the tests notice; takes hours.
mutants: $(VENV)/.dev
	$(INSTALL) --group mutants
	$(BIN)/python tests/mutants.py

# What every change must pass.
check: $(VENV)/.dev lint types test-all

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/pyright

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pages that are made from the code; where all is up to date, nothing changes.
docs: $(VENV)/.run
	$(BIN)/python docs/course_index.py docs/course.md
	$(BIN)/python docs/tally.py --write

board: $(VENV)/.run
	$(BIN)/python -m compare board

clean:
	rm -rf $(VENV) mutants build dist .pytest_cache .ruff_cache .hypothesis

# Each stamp is newer than what it was installed from: a second call installs nothing.
$(VENV)/.pip: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade pip
	touch $@

$(VENV)/.run: $(VENV)/.pip pyproject.toml
	$(INSTALL) -e .
	touch $@

$(VENV)/.site: $(VENV)/.run
	$(INSTALL) -e . --group site
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(INSTALL) -e '.[browser,jax,mnist,samples]' --group dev --group site
	touch $@
