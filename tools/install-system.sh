#!/usr/bin/env bash
# Installs the packages that lists name. Needs apt-get and root (or sudo).
#   tools/install-system.sh [LIST...]     (else apt.txt and apt-full.txt)
set -euo pipefail
stop() { echo "make system: $1" >&2; exit 1; }
command -v apt-get >/dev/null || stop "no apt-get here; install the packages in apt.txt and apt-full.txt by hand"
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || stop "only root can install packages, and there is no sudo: run it as root"
  as_root=(sudo)
fi

[ $# != 0 ] || set -- apt.txt apt-full.txt
mapfile -t packages < <(sed -E 's/#.*//; s/[[:space:]]+$//; /^$/d' "$@")
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} = 0 ] && { echo "make system: all ${#packages[@]} packages are installed"; exit 0; }

"${as_root[@]}" apt-get update -qq -o Acquire::Retries=3
known=()
for package in "${missing[@]}"; do
  # One name that this distribution lacks must not keep the others out.
  if apt-cache show "$package" >/dev/null 2>&1; then
    known+=("$package")
  else
    echo "make system: $package is not in this distribution; left out" >&2
  fi
done
[ ${#known[@]} = 0 ] && exit 0
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends -o Acquire::Retries=3 "${known[@]}" </dev/null
