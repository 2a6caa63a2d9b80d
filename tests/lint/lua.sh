#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# Lua is what luacheck says it should be, with the settings that policies'
# authors get: shipped policies and their tests, configurations, and every
# block of Lua in the documentation. A block that begins with "-- NAME.lua" is
# a policy (or tests), any other a configuration or a piece of one.
set -u
cd "${PENSTOCK_SRC:-.}" || exit 1
command -v luacheck >/dev/null || { echo "skipped: no luacheck"; exit 77; }

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

find README.md docs plugins sdk -name '*.md' | LC_ALL=C sort |
    while read -r page; do
        awk -v folder="$folder" -v page="$page" '
/^```lua$/ { inside = 1; n++; fresh = 1; next }
/^```/ { inside = 0; if (out) close(out); out = ""; next }
!inside { next }
fresh {
    fresh = 0
    flat = page
    gsub(/[^A-Za-z0-9]/, "_", flat)
    if ($0 ~ /^-- [A-Za-z0-9_]+\.lua/) {
        split($2, part, ":")
        out = folder "/" flat "-" n "-" part[1]
    } else
        out = folder "/" flat "-" n ".conf"
    printf "" >out
}
{ print >out }' "$page"
    done

bad=0
check() {       # folder, then luacheck's arguments
    (cd "$1" && shift && luacheck -q --no-color --codes \
        --config "$rc" "$@") | grep -v '^Total\|^$' | { ! grep .; } || bad=1
}
rc=$PWD/sdk/lua/luacheckrc

set -- policies contrib/penstock.conf contrib/penstock.conf.example
for more in tests/policies sdk/template/*.lua; do
    test -e "$more" && set -- "$@" "$more"
done
check . "$@"
# a piece of a configuration may be one key of a table: "keys = { ... }"
(cd "$folder" && ls) | grep -q '_test\.lua$' || { echo "no tests in the docs"; bad=1; }
check "$folder" --ignore 111 --include-files '**/*' -- .
exit $bad
