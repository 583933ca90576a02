# Every target works from a bare checkout: what the locks name is installed into .venv, once per lock.
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
# A test run starts hundreds of processes, and compiling all modules is half of what each costs.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
# A stamp carries the checksum of what it was made from, so an unchanged lock is never installed again.
stamp = $(VENV)/.$(1)-$(shell cat locks/$(1).txt pyproject.toml | cksum | cut -d ' ' -f 1)
RUNTIME := $(call stamp,runtime)
DEV := $(call stamp,dev)
# One more than there are cores, for a test often waits; four at most.
WORKERS := $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n + 1 : 4)))
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := $(PIP) install --require-hashes --only-binary :all:
PROJECT := PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --no-index --editable .
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-strip-extras

.PHONY: help run test coverage check audit bench micro memory quiet chaos failover rolling fuzz screenshots format docs schema lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## the demo: the whole service, a small payment network, test cards; Ctrl-C stops it
	@exec $(BIN)/acs demo $(ARGS)

test: $(DEV) ## the whole test suite (ARGS="-k word" for a part of it)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

coverage: $(DEV) ## the test suite with branch coverage
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --cov --cov-report term $(ARGS)

check: $(DEV) ## format, lint, types, import contracts, spelling, house rules, generated pages
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(BIN)/python -m pytest -q tests/tidy

audit: $(DEV) ## known vulnerabilities of the locked packages (needs a network), risky code
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r locks/runtime.txt
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r locks/hsm.txt
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r locks/dev.txt
	$(BIN)/bandit --quiet -ll --configfile pyproject.toml --recursive acs enrollment otp schemas

bench: $(DEV) ## the benchmark: ratios measured side by side on this machine
	@$(BIN)/python -m loadtests.bench $(ARGS)
	@$(BIN)/python -m loadtests.micro.read_areq

micro: $(DEV) ## what an AReq and the app channel's cryptography cost in one process, without HTTP and database
	@$(BIN)/python -m loadtests.micro.read_areq
	@$(BIN)/python -m loadtests.micro.areq_path $(ARGS)
	@$(BIN)/python -m loadtests.micro.app_channel

memory: $(DEV) ## one worker's memory over ten million AReqs, about an hour (ARGS="--count 1000000"); 1 = it grew
	@$(BIN)/python -m loadtests.memory $(ARGS)

quiet: $(DEV) ## what a stopwatch tells of who is a client, and of what was wrong; 1 = something
	@$(BIN)/python -m loadtests.quiet $(ARGS)

chaos: $(DEV) ## kills, cuts and misbehaving parties under load, then the laws (ARGS="--seconds 120 --seed 7"); 1 = a broken law
	@$(BIN)/python -m loadtests.chaos $(ARGS)

failover: $(DEV) ## machines of the service and of the database go away under load, then the laws; needs haproxy, patroni, etcd, postgresql
	@$(BIN)/python -m loadtests.failover $(ARGS)
rolling: $(DEV) ## replace every worker at 70 % of the saturation (SIGHUP); 1 = a request failed
	@$(BIN)/python -m loadtests.rolling $(ARGS)

fuzz: $(DEV) ## the readers against made-up bytes (ARGS="areq --seconds 60"); guided where atheris is installed
	@$(BIN)/python -m tests.fuzz.run $(ARGS)

screenshots: $(DEV) ## the pictures of the README, from a running demo; needs Chromium
	$(BIN)/python docs/screenshots.py

format: $(DEV) ## write the house format and the safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(DEV) ## write the pages that are made from the code
	$(BIN)/python docs/generate.py

schema: $(DEV) ## write schemas/db/schema.sql from the migrations
	$(BIN)/python -m acs.store.schema_file

lock: $(DEV) ## newest versions that fit pyproject.toml, with hashes
	$(COMPILE) --upgrade --group build pyproject.toml --output-file locks/runtime.txt
	$(COMPILE) --upgrade --extra hsm --group build --constraint locks/runtime.txt pyproject.toml --output-file locks/hsm.txt
	$(COMPILE) --upgrade --extra hsm --group build --group dev --constraint locks/hsm.txt pyproject.toml --output-file locks/dev.txt

clean: ## remove what the targets made, the demo's data included
	@case "$$(cat var/postgres.moved 2>/dev/null)" in /var/lib/threeds-acs/?*) rm -rf "$$(cat var/postgres.moved)";; esac
	rm -rf $(VENV) var build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov .import_linter_cache

$(RUNTIME): | $(BIN)/python
	@echo "installing the locked packages"
	@$(LOCKED) -r locks/runtime.txt
	@$(PROJECT)
	@touch $@

$(DEV): | $(BIN)/python
	@echo "installing the locked packages for development"
	@$(LOCKED) -r locks/runtime.txt
	@$(LOCKED) --no-binary forbiddenfruit --no-build-isolation -r locks/dev.txt
	@$(PROJECT)
	@touch $@ $(RUNTIME)

# The first Python that is new enough and can make an environment; PYTHON=... chooses another.
$(BIN)/python:
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
		if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec $$python -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "Python 3.11 or newer with its venv module is needed; PYTHON=/path/to/python names one" >&2; exit 1
