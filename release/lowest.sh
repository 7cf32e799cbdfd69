#!/bin/sh
# Makes the environment $1 with the lowest version that pyproject.toml allows of each package that
# hookgate needs to run, and the newest of those that only its tests need. Needs uv in PATH.
set -eu
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never

uv venv --quiet --allow-existing "$1"
uv pip compile --quiet --no-annotate --python "$1/bin/python" --resolution lowest-direct \
  --extra addon --extra audit --extra fleet --extra live --extra proof --extra quarantine pyproject.toml --output-file "$1/lowest.txt"
uv pip install --quiet --python "$1/bin/python" --constraint "$1/lowest.txt" --editable '.[dev]' \
  --requirement requirements/build.txt
