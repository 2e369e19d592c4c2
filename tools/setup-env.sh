#!/usr/bin/env bash
# Makes .venv and installs what the named lock files pin, and the project itself.
#   tools/setup-env.sh STAMP LOCK...
# Writes STAMP when all is installed; make compares its age with the locks', so that an unchanged
# lock installs nothing. Uses uv where it is, else python3 with its venv module.
set -euo pipefail
stamp=$1; shift
requirements=(); for lock in "$@"; do requirements+=(-r "$lock"); done
new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
stop() { echo "make env: $1" >&2; exit 1; }

if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then
  [ -x .venv/bin/python ] || uv venv --quiet --python '>=3.11' .venv
  uv pip install --quiet --python .venv/bin/python "${requirements[@]}" -e .
elif command -v python3 >/dev/null; then
  python3 -c "$new_enough" || stop "$(python3 --version) is too old: install Python 3.11 or newer, or uv"
  python3 -c 'import ensurepip, venv' 2>/dev/null \
    || stop "python3 cannot make an environment: apt-get install python3-venv, or install uv"
  [ -x .venv/bin/pip ] || python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "${requirements[@]}" -e .
else
  stop "neither python3 nor uv is here: apt-get install python3-venv"
fi
touch "$stamp"
