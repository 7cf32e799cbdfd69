#!/bin/sh
# Makes in dist/ all that is published, of the commit that is checked out. DRAFT=1 makes it of a
# commit that is not ready to be, to look at. $1 is a Python that has hookgate, of this commit; in PATH
# are uv, hatchling, and a Python that has cyclonedx-python-lib.
set -eu
cd "$(dirname "$0")/.."
. release/uv.sh
export LC_ALL=C

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' core/hookgate/__init__.py)
newest=$(sed -n 's/^## //p' CHANGELOG.md | head -n 1)
not_ready() {
  echo "release: $1" >&2
  [ "${DRAFT:-}" = 1 ] || exit 1
}
folder=$(git rev-parse --show-prefix)
if [ -n "$folder" ]; then
  echo "release: this is $folder of another clone, and not a clone of hookgate" >&2
  exit 1
fi
[ -z "$(git status --porcelain)" ] || not_ready "what is not committed would be left out: see git status"
echo "$newest" | grep -Eqx "$version \([0-9]{4}-[0-9]{2}-[0-9]{2}\)" ||
  not_ready "CHANGELOG.md begins with '$newest', which is not '$version (DATE)'"
git tag --points-at HEAD | grep -Fqx "v$version" ||
  not_ready "this commit has no tag v$version: git tag --sign v$version"
uv lock --quiet --check || not_ready "uv.lock is behind pyproject.toml: make lock"

SOURCE_DATE_EPOCH=$(git log -1 --no-show-signature --format=%ct)
export SOURCE_DATE_EPOCH
umask 022
mkdir -p dist
rm -rf dist/hookgate-* dist/SHA256SUMS*
dist=$PWD/dist
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
# The commit's bytes, whatever git is configured to make of them.
GIT_ATTR_NOSYSTEM=1 git -c core.autocrlf=false -c core.attributesFile=/dev/null archive HEAD |
  tar -x -C "$tree"
"$1" docs/manual.py "$tree/build/man"
(cd "$tree" && hatchling build -d "$dist" >/dev/null)
cp requirements/run.txt "dist/hookgate-$version-requirements.txt"
cp requirements/image.txt "dist/hookgate-$version-sidecar-requirements.txt"
python release/sbom.py "$version" >"dist/hookgate-$version.cdx.json"
(cd dist && sha256sum -- hookgate-* >SHA256SUMS && cat SHA256SUMS)
