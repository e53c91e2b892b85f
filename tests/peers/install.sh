#!/usr/bin/env bash
# Installs what the peers need: Debian packages, a Python venv with PJSUA2, test tones. Safe to run again; takes a second
# when everything is there.
# PEERS_HOME: where it goes (default ${XDG_CACHE_HOME:-~/.cache}/hotlined-tests); PYTHON: a Python 3.10 to 3.12, for which
# PJSUA2 has wheels.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${PEERS_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/hotlined-tests}
python=${PYTHON:-python3}
pjsua2='pjsua2-python==2.15.1.post1'
packages=(baresip-core sip-tester iproute2 ethtool python3 python3-venv)

as_root() { if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi; }

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $state == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} -gt 0 ]]; then
    echo "installing ${missing[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
fi

mkdir -p "$home"
exec 9>"$home/lock"
flock 9
if ! "$home/venv/bin/python" -c 'import pjsua2' 2>/dev/null; then
    "$python" -m venv --clear "$home/venv"
    "$home/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$pjsua2"
    "$home/venv/bin/python" -c 'import pjsua2'
fi
[[ -f $home/wav/steps.wav ]] || "$python" "$here/lib/tone.py" make "$home/wav"
for program in sipp baresip ip; do
    command -v "$program" >/dev/null || { echo "$program is not there" >&2; exit 1; }
done
