#!/bin/sh
# Renews uv.lock, and in requirements/ what pip reads of it. Arguments are of `uv lock`.
# Needs uv in PATH; `make lock` brings it.
set -eu
cd "$(dirname "$0")/.."
. release/uv.sh

uv lock "$@"

# $1: the file's name; the rest says what is in it.
export_for_pip() {
  file=requirements/$1.txt
  shift
  { echo "# Written by \`make lock\`, of uv.lock: $*"
    uv export --quiet --frozen --no-emit-project --no-header --no-annotate "$@"
  } >"$file"
}
export_for_pip run --extra addon --extra audit --extra fleet --extra live --extra proof \
  --extra quarantine
export_for_pip dev --extra dev
export_for_pip docs --only-group docs
export_for_pip image --group image
export_for_pip build --only-group build
export_for_pip release --only-group release
