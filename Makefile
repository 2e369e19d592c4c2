# One line a target; `make` alone lists them. ARGS="…" is passed on to the command of the target.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
# JupyterLab refuses to start as root unless told that it may.
AS_ROOT := $(shell [ "$$(id -u)" != 0 ] || echo --allow-root)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
.PHONY: help env env-dev lab test test-fast test-all build execute release student site \
        attacks bench bench-grading lint lock record system clean

help:  # list the targets
	@grep -E '^[a-z-]+:.*  # ' Makefile | grep -v '^help' | sed -E 's/^([a-z-]+):.*  # (.*)/  make \1\t\2/' | expand -t 22

env: .venv/.ready  # make the environment in .venv, and nothing else

.venv/.ready: requirements.txt pyproject.toml tools/setup-env.sh
	@tools/setup-env.sh $@ requirements.txt

env-dev: .venv/.ready-dev
.venv/.ready-dev: .venv/.ready requirements-dev.txt
	@tools/setup-env.sh $@ requirements-dev.txt

lab: env  # open JupyterLab on the first chapter; ARGS="--no-browser --port=8890"
	@jupyter lab $(AS_ROOT) --ServerApp.root_dir="$(CURDIR)" \
	  --LabApp.default_url=/lab/tree/notebooks/00-start-here.ipynb $(ARGS)

test: env-dev  # run the whole test suite: units, grading contract, every chapter
	@$(PY) tools/run_tests.py $(ARGS)

test-fast: env-dev  # lint and the short unit tests, about two minutes on two cores
	@$(PY) tools/run_tests.py --fast $(ARGS)

test-all: env-dev  # run everything, also what takes long
	@$(PY) tools/run_tests.py --all $(ARGS)

build: env-dev  # turn the .md sources into notebooks, and source/ into release/
	@$(PY) -m tools.build $(ARGS)

execute: env-dev  # build, and execute every chapter again
	@$(PY) -m tools.build --execute $(ARGS)

release: env-dev  # make release/ from source/ and refuse a leak
	@autograder release $(ARGS)

student: env-dev  # make the student bundle in build/: no source, no grader, no leak
	@$(PY) tools/student.py $(ARGS)

site: env-dev  # build the chapters with their outputs as a static site in build/site
	@$(PY) tools/site.py $(ARGS)

bench: env-dev  # measure how right, light and quick the packages are, against bounds
	@$(PY) tools/bench.py $(ARGS)

bench-grading: env-dev  # measure how fast a class is graded, beside stock nbgrader
	@$(PY) tools/bench_grading.py $(ARGS)

attacks: env-dev  # attack the grader and print what held; ARGS=--user, or ARGS=--layers
	@$(PY) tests/autograder/attacks/test_attacks.py $(ARGS)

lint: env-dev  # ruff and mypy
	@ruff check . && ruff format --check . && mypy

lock: env-dev  # pin the dependencies of pyproject.toml in requirements*.txt
	@uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.txt $(ARGS)
	@uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --extra dev \
	  -c requirements.txt --custom-compile-command "make lock" pyproject.toml -o requirements-dev.txt $(ARGS)

record: env  # measure here and save the recordings; ARGS="03-containers" for one chapter
	@virtlab record $(ARGS)

system:  # install the system packages of apt.txt and apt-full.txt with apt-get (as root)
	@tools/install-system.sh

clean:  # remove what the course made: left-over processes and mounts, caches, .venv
	@if [ -x .venv/bin/virtlab ]; then .venv/bin/virtlab clean; fi
	@rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
