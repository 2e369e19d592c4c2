#!/usr/bin/env bash
# Makes .venv and installs what the named lock files pin, and the project itself.
#   tools/setup-env.sh STAMP LOCK...
# Writes STAMP when all is installed; make compares its age with the locks', so that an unchanged
# lock installs nothing. Uses uv where it is, else python3 with its venv module and pip.
set -euo pipefail
stamp=$1; shift
requirements=(); for lock in "$@"; do requirements+=(-r "$lock"); done
python=.venv/bin/python
stop() { echo "make env: $1" >&2; exit 1; }

works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
can_venv() { works "$1" && "$1" -c 'import ensurepip, venv' 2>/dev/null; }
has_uv() { command -v uv >/dev/null && uv --version >/dev/null 2>&1; }

make_venv() {
  if has_uv && uv venv --quiet --clear --python '>=3.11' .venv 2>/dev/null; then return; fi
  for candidate in python3 python3.13 python3.12 python3.11; do
    if can_venv "$candidate"; then "$candidate" -m venv --clear .venv; return; fi
  done
  stop "no Python 3.11 or newer here can make an environment: apt-get install python3-venv, or install uv"
}

works $python || make_venv
if has_uv; then
  install=(uv pip install --quiet --python "$python")
else
  # An environment that uv made has no pip.
  "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null
  install=("$python" -m pip install --quiet --disable-pip-version-check)
fi
"${install[@]}" "${requirements[@]}" -e . \
  || stop "the packages of $* were not installed; see above, and is the network there?"
touch "$stamp"
