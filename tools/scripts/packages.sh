# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# Sourced by quickstart.sh and test.sh: Debian packages, and the way their steps report.
build_packages=(g++ cmake ninja-build libboost-program-options-dev libtomlplusplus-dev libeigen3-dev rapidjson-dev
    zlib1g-dev libfmt-dev)
test_packages=(doctest-dev libbenchmark-dev shellcheck python3-yaml python3-kubernetes docker-compose chromium)
python_packages=(pybind11-dev python3-dev python3-pandas python3-pip python3-venv python3-setuptools python3-wheel)
notebook_packages=(python3-nbconvert python3-ipykernel python3-matplotlib)
packaging_packages=(dpkg-dev file)   # CPack asks both which libraries a program needs
style_packages=(clang-format-14 clang-tidy-14)   # 14: other versions format otherwise

started=$SECONDS
step() { printf '\n== %s  [%d s]\n' "$1" "$((SECONDS - started))"; }

# Runs a command; shows what it printed only when it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 60 "$log" >&2
        echo "failed: $*" >&2
    fi
    rm -f "$log"
    return "$status"
}

install_packages() {
    local missing=() package as_root=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep 'ok installed' >/dev/null || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        echo "nothing is missing"
        return 0
    fi
    echo "installing ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "as root: apt-get install ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    quietly "${as_root[@]}" apt-get update
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}
