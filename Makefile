# make demo   installs into .venv and shows the gate at work on loopback
# make test   installs into .venv, and nginx with apt-get, and runs every check: ruff, mypy, pytest
# make test-matrix  the same with each of Python 3.11, 3.12 and 3.13 that is here
# make test-browser  the audit report in a real Chromium, which it installs where it may
# make check  the same as test without pytest
# make bench  hookgate against nginx and plain mitmdump on this machine (needs wrk and nginx)

PYTHON ?= python3
PYTHONS ?= python3.11 python3.12 python3.13
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-browser nginx-here test-matrix check format bench clean

demo: $(READY)
	$(BIN)/hookgate demo

test: check nginx-here
	$(BIN)/pytest

# The tests run a real one. Debian keeps it in /usr/sbin, which a user's PATH may lack.
nginx-here:
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing nginx with apt-get"; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx-light >/dev/null; \
	  else \
	    echo "The tests run a real nginx; install it: sudo apt-get install nginx-light"; exit 1; \
	  fi; }

test-matrix:
	@for python in $(PYTHONS); do \
	  if version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then \
	    echo "== Python $$version"; \
	    $(MAKE) --no-print-directory test PYTHON=$$python VENV=.venv-$$version || exit 1; \
	  else echo "== $$python is not here: skipped"; fi; \
	done

test-browser: $(READY)
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  echo "Installing chromium with apt-get" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; } || \
	  { echo "test-browser needs Chromium and may not install it here; on Debian and Ubuntu: sudo apt-get install chromium"; exit 1; }
	$(BIN)/pytest tests/browser

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	$(BIN)/python bench/proxy.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "hookgate needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing hookgate and what its tests need into $(VENV) (a minute on a first run)"
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
