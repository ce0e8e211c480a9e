#!/bin/sh
# SPDX-License-Identifier: MIT
# Brings what a step needs onto the machine: tools/setup.sh run|test|check. Only what is missing is
# installed, by apt-get, as root or through sudo; when nothing is missing, nothing is asked of the
# network and this takes milliseconds.
set -eu

step=${1:-test}
# package=command: a command on the path counts as the package, wherever it came from.
packages="gcc=gcc libc6-dev= cmake=cmake ninja-build=ninja python3=python3 git=git"
case $step in
    run) ;;
    test | check)
        packages="$packages g++=g++ clang=clang libcmocka-dev= clang-19=clang-19 lld-19=wasm-ld-19"
        packages="$packages pkg-config=pkg-config"
        [ "$step" = check ] &&
            packages="$packages clang-format-14=clang-format-14 clang-tidy-14=clang-tidy-14"
        ;;
    *)
        echo "usage: tools/setup.sh run|test|check" >&2
        exit 2
        ;;
esac

names=
for pair in $packages; do names="$names ${pair%%=*}"; done
installed=
if command -v dpkg-query >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' $names 2>/dev/null |
        sed -n 's/^ii *//p' | tr '\n' ' ')
fi

missing=
for pair in $packages; do
    name=${pair%%=*}
    command=${pair#*=}
    case " $installed " in *" $name "*) continue ;; esac
    [ -n "$command" ] && command -v "$command" >/dev/null 2>&1 && continue
    # Without dpkg a header or library is left to the build, which names it when it is not there.
    [ -z "$command" ] && ! command -v dpkg-query >/dev/null 2>&1 && continue
    missing="$missing $name"
done

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "setup: please install (names of Debian's packages):$missing" >&2
        exit 1
    fi
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || {
            echo "setup: run as root: apt-get install$missing" >&2
            exit 1
        }
        as_root=sudo
    fi
    echo "setup: installing$missing"
    $as_root apt-get -q update
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends $missing
fi

version=$(cmake --version | sed -n 's/^cmake version \([0-9]*\.[0-9]*\).*/\1/p')
if [ "${version%%.*}" -lt 3 ] || { [ "${version%%.*}" -eq 3 ] && [ "${version#*.}" -lt 25 ]; }; then
    echo "setup: CMake $version is too old, 3.25 is needed (Debian 12, Ubuntu 24.04 have it)" >&2
    exit 1
fi
