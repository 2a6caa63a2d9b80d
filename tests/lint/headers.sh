#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# Every header stands alone. The SDK's do so as strict C11 and as C++17, since
# other people's plugins are not built with our flags.
set -u
cd "${PENSTOCK_SRC:-.}" || exit 1
cc=${CC:-cc}    # may be of several words, as "ccache gcc"
libs=$(pkg-config --cflags libevent_core libcurl jansson openssl lua5.4 \
    2>/dev/null)
bad=0

try() {         # header, compiler and flags
    header=$1
    shift
    out=$(printf '#include "%s"\nextern int nothing;\n' "$header" |
        "$@" -fsyntax-only -Wall -Wextra -Werror - 2>&1) || {
        echo "$header: does not compile alone with $*" >&2
        echo "$out" | head -5 >&2
        bad=1
    }
}
for h in core/*/*.h; do
    test -e "$h" || continue
    # shellcheck disable=SC2086 # lists of flags
    try "${h#core/}" $cc -x c -std=gnu11 -D_GNU_SOURCE= -Icore -Isdk/include $libs
done
for h in sdk/include/penstock/*.h; do
    test -e "$h" || continue
    # inline.h is the second half of plugin.h
    test "${h##*/}" != inline.h || continue
    # shellcheck disable=SC2086 # a list of words
    try "penstock/${h##*/}" $cc -x c -std=c11 -Wpedantic -Isdk/include
    command -v g++ >/dev/null || { echo "skipped: no g++"; continue; }
    try "penstock/${h##*/}" g++ -x c++ -std=c++17 -Wpedantic -Isdk/include
done
exit $bad
