# The verbs of this project; `make` alone lists them.
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := gateway backends tests

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench bench-ws bench-peers compiled test-compiled docs lock clean

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv and install the locked dependencies and this project into it

# The stamp makes a repeated call instant; a changed lock or setup.cfg makes it install again.
$(STAMP): requirements.lock setup.cfg pyproject.toml
	@.ci/python-version "$(PYTHON)"
	@echo "Installing the locked dependencies into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## v1, v2 and the gateway on this machine; ARGS="--traffic 50" keeps traffic going
	@$(BIN)/crossfade demo $(ARGS)

test: install ## the tests; ARGS="tests/policy -k quota" chooses some
	$(BIN)/pytest -n 2 $(ARGS)

check: install ## format, lint, types, import rules, known vulnerabilities
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	.ci/audit $(BIN)/pip-audit

bench: install ## the gateway, compiled as it is delivered, beside its peers; ARGS="--only ours,haproxy --rounds 1" is quick
	@$(BIN)/python compiled/build.py --if-changed || echo "So the gateway is measured as pure Python." >&2
	@$(BIN)/python -m benchmarks.run $(ARGS)

bench-ws: install ## WebSocket fan-out beside nchan, websockets and aiohttp; ARGS="--only burst --rounds 1" is quick
	@$(BIN)/python -m benchmarks.ws.run $(ARGS)

bench-peers: ## install the peers that `make bench` compares with
	@PYTHON="$(PYTHON)" benchmarks/peers/install

compiled: install ## the gateway with its forwarding path compiled by mypyc, in var/compiled: a tree and a wheel
	@$(BIN)/python compiled/build.py

test-compiled: ## the tests, on what `make compiled` has built; ARGS as for test
	@test -d var/compiled || { echo "There is nothing to test yet: 'make compiled' first." >&2; exit 1; }
	cd var/compiled && ../../$(BIN)/python -m pytest -n 2 $(ARGS)

# Names, versions and every file's hash as PyPI gives them, whatever indexes this machine's pip is set up with.
LOCK = env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL -u PIP_INDEX_URL -u PIP_CONSTRAINT PIP_CONFIG_FILE=/dev/null \
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --annotation-style=line

# What these two files say does not depend on the secrets.
DOCUMENT = env -i PATH="$$PATH" JWT_SECRET=not-a-secret-only-for-documents-0123 CROSSFADE_ADMIN_TOKEN=not-a-token-0123 \
	$(BIN)/crossfade plan -c config/gateway.yaml --at 2026-12-01

docs: install ## write the documents that are made from config/gateway.yaml
	$(DOCUMENT) --format md > docs/migration-plan.md
	$(DOCUMENT) --for consumers > docs/deprecation-guide.md
	WRITE_DOCS=1 $(BIN)/pytest tests/scenarios/sunset

lock: install ## resolve the dependencies of setup.cfg anew; ARGS="--upgrade" takes newer versions
	$(LOCK) --extra demo --extra test --output-file requirements.lock $(ARGS) pyproject.toml
	$(LOCK) --extra demo --constraint requirements.lock --output-file requirements.runtime.lock pyproject.toml

clean: ## remove what make made: .venv, var/, builds and caches
	rm -rf $(VENV) var build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
