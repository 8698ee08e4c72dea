# make        set up and tag the demo: submission.csv
# make test   set up and run all checks and tests; installs nothing outside .venv
# make services   install what some tests need and are skipped without: Slurm, a browser, codecs
# make test-long   what takes hours: the demo killed 60 times, a Slurm cluster, storage, the whole report
# make docs-test  run the commands of README.md and docs/ in a fresh clone
# make bench  measure speed and memory, half an hour: benchmarks/results.md
# make env    set up only: .venv, from envs/requirements.lock, and the command .venv/bin/earmark
# make all    the submission, its scores and all figures
# make report all of that on one page to show: report.html
# make lock   lock what envs/requirements.in asks for, other versions as they are
# make upgrade  the same, with the newest versions of everything
# make audit  ask an advisory service for known faults of the locked packages
# make clean  remove what runs made (not .venv, not fetched data)

PYTHON ?= python3
CORES ?= 4
BIN := .venv/bin
UV := uv==0.13.9
PIP_AUDIT := pip-audit@2.10.1
READY := .venv/.ready
SNAKEMAKE := $(BIN)/snakemake -j$(CORES)

# In a container a user may have no name, and no home to write to: Snakemake and torch need both.
export USER := $(or $(USER),$(firstword $(shell id -un 2>/dev/null || id -u)))
export HOME := $(shell test -w "$$HOME" && echo "$$HOME" || echo "$$PWD/.home")

.PHONY: submission all report env services bench test test-long docs-test lint format lock upgrade audit clean

submission: $(READY)
	$(SNAKEMAKE) submission.csv scores
	@echo
	@echo "The submission is $(CURDIR)/submission.csv. Its scores, and those of its parts:"
	@$(BIN)/python workflow_scripts/print_scores.py results/demo/scores.csv
	@echo "All of it, with the errors to listen to: $(CURDIR)/results/demo/page.html"

all: $(READY)
	$(SNAKEMAKE) all

report: all
	$(BIN)/snakemake --report report.html
	@echo "The report is $(CURDIR)/report.html: open it in a browser."

env: $(READY)

# uv installs in seconds what takes pip minutes; where it cannot be had, pip does it alone. Compiled
# once here, no job has to: dozens of them start in a run. Earmark itself is installed as a link to
# this folder, from what is here.
$(READY): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Earmark needs Python 3.11 or newer: run make PYTHON=python3.12, for example."; exit 1; }
	$(PYTHON) -m venv .venv
	{ $(BIN)/python -m pip install --quiet '$(UV)' && \
	  $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r envs/requirements.lock; } || \
	  $(BIN)/python -m pip install --quiet --require-hashes -r envs/requirements.lock
	$(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $(READY)

services:
	@envs/services

test: lint
	$(BIN)/python -m pytest

test-long: $(READY)
	$(BIN)/python -m pytest tests/long -n 0 -s -v

docs-test: $(READY)
	$(BIN)/python -m pytest tests/docs -n 0 -v

# CLIPS=path/to/folder measures features on clips of your own.
bench: $(READY)
	$(BIN)/python benchmarks/bench.py $(if $(CLIPS),--clips $(CLIPS))

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

lock: $(READY)
	$(BIN)/python envs/relock.py

upgrade: $(READY)
	$(BIN)/python envs/relock.py --upgrade

# Strict: a package that could not be looked up is no package without faults.
audit: $(READY)
	@$(BIN)/uv tool run $(PIP_AUDIT) --strict --disable-pip --require-hashes -r envs/requirements.lock || \
	  { echo "Not passed: a package has a known fault, or, if it says that it could not be audited or"; \
	    echo "reached, the advisory service gives no answer here. Give the command where it does."; exit 1; }

clean:
	rm -rf results logs submission.csv tags.csv suspects.csv report.html report.zip .snakemake .home
