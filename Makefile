# Every target depends on a stamp file of the virtual environment, so that `make reproduce` works in a fresh clone.
PYTHON ?= python3
EXPERIMENT ?= digits
EXECUTOR ?= local
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete

.DEFAULT_GOAL := help
.PHONY: help setup test test-slurm lint smoke reproduce collect report page status faults speed notebooks readme clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

setup: $(STAMP)  ## the virtual environment .venv, from constraints.txt

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("whosenet needs Python 3.11 or newer, set PYTHON=") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

reproduce: $(STAMP)  ## run EXPERIMENT (digits) and write results/EXPERIMENT; EXECUTOR=, ARGS='key=value ...'
	$(BIN)/whosenet run experiment=$(EXPERIMENT) executor=$(EXECUTOR) $(ARGS)

collect: $(STAMP)  ## write results/EXPERIMENT of what the store has, running nothing
	$(BIN)/whosenet run experiment=$(EXPERIMENT) compute=false $(ARGS)

report: $(STAMP)  ## draw EXPERIMENT's tables, figures and page from its csv; ARGS='methods=a,b width=column' for a paper
	$(BIN)/whosenet report $(EXPERIMENT) $(ARGS)

page: $(STAMP)  ## draw EXPERIMENT's index.html alone
	$(BIN)/whosenet report $(EXPERIMENT) only=page

status: $(STAMP)  ## what of EXPERIMENT is done, running, failed or missing
	$(BIN)/whosenet status $(EXPERIMENT) $(ARGS)

smoke: $(STAMP)  ## the digits experiment on tiny budgets
	$(BIN)/whosenet run experiment=smoke $(ARGS)

test: $(STAMP)  ## all tests, on two cores
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

test-slurm: $(STAMP)  ## the tests that need Slurm: starts one of one node here, and stops it
	tests/slurm/cluster up
	$(BIN)/python -m pytest -m slurm tests/slurm $(ARGS); code=$$?; tests/slurm/cluster down; exit $$code

lint: $(STAMP)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

faults: $(STAMP)  ## the table of injected faults at full length; fails when the store lost, repeated or spoilt anything
	$(BIN)/python -m tests.faults

speed: $(STAMP)  ## the table of speed ratios; fails when one falls below its bar
	$(BIN)/python -m tests.speed

notebooks: $(STAMP)  ## execute notebooks/*.ipynb on EXPERIMENT's results, in place
	$(BIN)/python -m tests.notebooks $(EXPERIMENT)

readme: $(STAMP)  ## copy the headline table of results/digits into README.md
	$(BIN)/python -m benchmark.report.page.readme

clean:  ## remove everything that make made; asks before it removes the store
	rm -rf $(VENV) outputs multirun logs results/smoke .pytest_cache .mypy_cache .ruff_cache
	@if [ -e artefacts ]; then \
		printf 'remove the store artefacts/ too (%s)? [y/N] ' "$$(du -sh artefacts | cut -f1)"; \
		read -r answer || answer=; \
		case "$$answer" in y|yes) rm -rf artefacts ;; *) echo 'artefacts/ is kept' ;; esac; \
	fi
