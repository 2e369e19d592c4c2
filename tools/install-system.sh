#!/usr/bin/env bash
# Installs the packages that apt.txt and apt-full.txt name. Needs apt-get and root (or sudo).
set -euo pipefail
stop() { echo "make system: $1" >&2; exit 1; }
command -v apt-get >/dev/null || stop "no apt-get here; install the packages in apt.txt and apt-full.txt by hand"
as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
mapfile -t packages < <(sed -E 's/#.*//; s/[[:space:]]+$//; /^$/d' apt.txt apt-full.txt)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} = 0 ] && { echo "make system: all ${#packages[@]} packages are installed"; exit 0; }
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
