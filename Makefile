# make demo   installs into .venv and shows the gate at work on loopback
# make test   installs into .venv, and nginx with apt-get, and runs every check: ruff, mypy, pytest
#             on all cores (WORKERS=1: one test at a time)
# make test-matrix  the same with each of Python 3.11 to 3.14 that is here
# make test-lowest  pytest with the lowest version of each package that pyproject.toml allows
# make test-browser  the audit report, the page and the docs in a real Chromium, which it gets with
#             apt-get
# make docs   the docs as a site, in build/docs
# make man    the manual pages, in build/man
# make check  the same as test without pytest
# make bench  hookgate beside nginx, HAProxy, Caddy, Fastify, FastAPI, aiohttp and plain mitmdump,
#             which it gets with apt-get, npm and pip; a clean sender's latency among strangers;
#             and instructions per request against those of the last time. Twenty minutes;
#             bench/README.md tells of shorter runs.
# make soak   the tests that take long, every property with new examples, then ten minutes of every
#             hostile sender, kills, reloads, rotations and outages at once, beside a clean sender,
#             and six minutes beside each kind of hostile sender alone
# make lock   brings uv.lock and requirements/ up to what pyproject.toml asks for
# make upgrade  the same, and takes the newest version of everything
# make audit-deps  what is known against the versions of the lock
# make wheelhouse  dist/wheelhouse, from which hookgate is installed without a network
# make release  all that is published, in dist/ (docs/releasing.md)

PYTHON ?= python3
PYTHONS ?= python3.11 python3.12 python3.13 python3.14
VENV ?= .venv
BIN := $(VENV)/bin
# What makes the lock and a release is in an environment of its own.
TOOLS := $(VENV)-release
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
# What was got from the package index once; with it `make` works without a network.
WHEELS ?= .wheels

# Of pip's configuration only where the index is, not where to install and in which versions.
export PIP_USER := 0
export PIP_CONSTRAINT := /dev/null

# Two goals would fetch packages at once, and apt-get takes no second one.
.NOTPARALLEL:

# What PYTHON names would not be used.
ifeq ($(origin PYTHON)$(wildcard $(BIN)/python),command line$(BIN)/python)
minor = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
asked := $(call minor,$(PYTHON))
ifneq ($(filter-out $(call minor,$(BIN)/python),$(asked)),)
$(error $(VENV) is not of Python $(asked): name a folder for it, make PYTHON=$(PYTHON) VENV=.venv-$(asked) $(MAKECMDGOALS))
endif
endif

# Two for each core: a test waits for sockets and processes half of its time.
WORKERS ?= $(shell echo $$((2 * $$(nproc))))

.PHONY: demo test test-lowest lock upgrade audit-deps wheelhouse release test-browser docs man sphinx-here nginx-here promtool-here alertmanager-here test-matrix check format bench soak clean

demo: $(INSTALLED)
	$(BIN)/hookgate demo

test: check nginx-here promtool-here alertmanager-here
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

# $(call need,COMMAND,PACKAGES,WHY): Debian keeps some commands in /usr/sbin, which a user's PATH may lack.
define need
@PATH="$$PATH:/usr/sbin"; command -v $(1) >/dev/null || { \
  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing $(2) with apt-get" && \
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends $(2) >/dev/null; } || \
  { echo "$(3); install: sudo apt-get install $(2)"; exit 1; }
endef

# Without the others a few tests are skipped, and say so.
nginx-here:
	$(call need,nginx,nginx-light,The tests run a real nginx)
	-$(call need,jq,jq,Some examples of the docs are not run)
	-$(call need,logrotate,logrotate,Rotation by logrotate is not tried)
	-$(call need,strace,strace,System calls are not counted)
	-$(call need,age,age,The quarantine is not held to age itself)
	-$(call need,fish,zsh fish,Completion is tried in bash alone)
	-$(call need,mandoc,mandoc,The manual is shown by groff alone)
	-$(call need,ssh-keygen,openssh-client,The signing of a release is not tried)

# Neither is installed nor started: a program is taken out of Debian's package.
# $(call take,PROGRAM,PACKAGE,WHAT IS MISSING WITHOUT IT[,ITS FOLDER IN /usr/share])
define take
@command -v $(1) >/dev/null || [ -x $(BIN)/$(1) ] || { \
  command -v apt-get >/dev/null && echo "Getting $(1) out of Debian's $(2) package" && \
  folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
  { [ "$$(id -u)" != 0 ] || apt-get update -qq; } && \
  (cd "$$folder" && apt-get -o APT::Sandbox::User=root download -qq $(2) && dpkg-deb -x $(2)_*.deb .) && \
  $(if $(4),mkdir -p $(VENV)/share/$(4) && cp -r "$$folder/usr/share/$(4)/." $(VENV)/share/$(4) &&) \
  mv "$$folder/usr/bin/$(1)" $(BIN)/$(1); } || \
  echo "$(1) cannot be had: $(3); install: sudo apt-get install $(2)"
endef

promtool-here: $(READY)
	$(call take,promtool,prometheus,the alert rules are not played)

alertmanager-here: $(READY)
	$(call take,prometheus-alertmanager,prometheus-alertmanager,alarms are not told to a real Alertmanager,prometheus/alertmanager)

test-matrix:
	@for python in $(PYTHONS); do \
	  if version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then \
	    echo "== Python $$version"; \
	    $(MAKE) --no-print-directory test PYTHON=$$python VENV=.venv-$$version || exit 1; \
	  else echo "== $$python is not here: skipped"; fi; \
	done

test-lowest: $(TOOLS)/.ready nginx-here
	PATH="$$PWD/$(TOOLS)/bin:$$PATH" release/lowest.sh $(VENV)-lowest
	$(VENV)-lowest/bin/pytest -n $(WORKERS) --dist worksteal

test-browser: $(READY) sphinx-here
	$(call need,chromium,chromium,The report and the docs are looked at in a real Chromium)
	$(BIN)/pytest tests/browser

sphinx-here: $(READY)
	@$(BIN)/python -c 'import furo, myst_parser, sphinx' 2>/dev/null || echo "Installing what builds the docs"
	$(call install,docs,$(VENV))

man: $(INSTALLED)
	$(BIN)/python docs/manual.py build/man
	@echo "The manual pages are in build/man: man -M build/man hookgate"

# Every link between the pages is followed. Those that lead elsewhere are in build/links.txt.
docs: sphinx-here
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs -d build/doctrees . build/docs
	@grep -ohE '\]\(https?://[^)]+' README.md docs/*.md | cut -c3- | sort -u >build/links.txt
	@echo "The docs are in build/docs: open build/docs/index.html"

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	$(call need,valgrind,valgrind,The guard counts instructions)
	$(BIN)/python bench/run.py
	$(BIN)/python bench/strangers.py
	$(BIN)/python bench/guard.py

soak: $(READY) nginx-here
	$(BIN)/pytest -m soak
	HYPOTHESIS_PROFILE=other $(BIN)/pytest -m "hypothesis and not soak" -n $(WORKERS) --dist worksteal
	$(BIN)/python -m bench.soak
	$(BIN)/python bench/hostile.py --seconds 3

lock upgrade: $(TOOLS)/.ready
	PATH="$$PWD/$(TOOLS)/bin:$$PATH" release/lock.sh $(if $(filter upgrade,$@),--upgrade)

audit-deps: $(TOOLS)/.ready
	@PATH="$$PWD/$(TOOLS)/bin:$$PATH" python release/audit_deps.py $(AUDIT)

release: $(TOOLS)/.ready $(INSTALLED)
	PATH="$$PWD/$(TOOLS)/bin:$$PATH" release/release.sh $(BIN)/python

# Everything is a wheel there, also what the index has as source only. Of what mitmproxy holds back both
# versions are: pip takes the newer one where the addon is not asked for. hookgate's own wheel is the
# release's, if the commit is.
wheelhouse: export SOURCE_DATE_EPOCH = $(or $(shell git log -1 --no-show-signature --format=%ct 2>/dev/null),$(shell date +%s))
wheelhouse: $(INSTALLED)
	rm -rf dist/wheelhouse && mkdir -p dist/wheelhouse
	$(call install,run,$(VENV),wheel --wheel-dir dist/wheelhouse)
	$(call install,image,$(VENV),wheel --wheel-dir dist/wheelhouse)
	$(BIN)/python docs/manual.py build/man
	umask 022 && $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation \
	  --wheel-dir dist/wheelhouse .
	cd dist/wheelhouse && sha256sum -- *.whl >SHA256SUMS
	@echo "dist/wheelhouse is of $$($(BIN)/python --version), on $$(uname -m). To install from it without a network:"
	@echo "  sha256sum --check --strict SHA256SUMS && python3 -m venv hookgate && \\"
	@echo "  hookgate/bin/pip install --no-index --find-links . 'hookgate[proof,quarantine]'"

# $(WHEELS) stays: it is what makes the next `make demo` quick.
clean:
	rm -rf $(VENV) $(TOOLS) $(VENV)-lowest .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

# $(call install,NAME,VENV[,PIP'S VERB]): what requirements/NAME.txt names, held to its hashes, from
# $(WHEELS) alone; what is missing or damaged there is got from the package index first.
define install
@pip="$(2)/bin/python -m pip --disable-pip-version-check --quiet" && \
  locked="--require-hashes --no-deps --no-build-isolation --requirement requirements/$(1).txt" && \
  here="$(or $(3),install) --no-index --find-links $(WHEELS) $$locked" && mkdir -p $(WHEELS) && \
  { why=$$($$pip $$here 2>&1) || { $$pip download --dest $(WHEELS) $$locked && $$pip $$here; } || \
  { echo "$(WHEELS) alone is not enough: $$why" >&2; exit 1; }; }
endef

# $(call venv,FOLDER)
define venv
@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
  { echo "hookgate needs Python 3.11 to 3.14; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
@$(PYTHON) -m venv $(1) || { $(PYTHON) -c 'import ensurepip' 2>/dev/null || \
  echo "Python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
endef

$(INSTALLED): pyproject.toml requirements/build.txt requirements/run.txt
	@echo "Installing hookgate into $(VENV) (a minute on a first run)"
	$(call venv,$(VENV))
	$(call install,build,$(VENV))
	$(call install,run,$(VENV))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

$(READY): $(INSTALLED) requirements/dev.txt
	@echo "Installing what the tests need"
	$(call install,dev,$(VENV))
	@touch $@

$(TOOLS)/.ready: requirements/build.txt requirements/release.txt
	@echo "Installing what makes a release into $(TOOLS)"
	$(call venv,$(TOOLS))
	$(call install,build,$(TOOLS))
	$(call install,release,$(TOOLS))
	@touch $@
