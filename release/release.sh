#!/bin/sh
# Makes in dist/ all that is published, of the commit that is checked out. DRAFT=1 makes it of a
# commit that is not ready to be, to look at. $1 is a Python that has hookgate, of this commit; in PATH
# are uv, hatchling, and a Python that has cyclonedx-python-lib.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' core/hookgate/__init__.py)
newest=$(sed -n 's/^## //p' CHANGELOG.md | head -n 1)
not_ready() {
  echo "release: $1" >&2
  [ "${DRAFT:-}" = 1 ] || exit 1
}
[ -z "$(git status --porcelain)" ] || not_ready "what is not committed would be left out: see git status"
echo "$newest" | grep -Eqx "$version \([0-9]{4}-[0-9]{2}-[0-9]{2}\)" ||
  not_ready "CHANGELOG.md begins with '$newest', which is not '$version (DATE)'"
[ "$(git describe --exact-match --tags 2>/dev/null)" = "v$version" ] ||
  not_ready "this commit has no tag v$version: git tag --sign v$version"
UV_PYTHON_DOWNLOADS=never uv lock --quiet --check --default-index https://pypi.org/simple ||
  not_ready "uv.lock is behind pyproject.toml: make lock"

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
umask 022
rm -rf dist
mkdir dist
dist=$PWD/dist
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
git archive HEAD | tar -x -C "$tree"
"$1" docs/manual.py "$tree/build/man"
(cd "$tree" && hatchling build -d "$dist" >/dev/null)
cp requirements/run.txt "dist/hookgate-$version-requirements.txt"
python release/sbom.py "$version" >"dist/hookgate-$version.cdx.json"
(cd dist && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
