#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# Each edge case of the wire formats has a test, which is there: a function of
# a unit or a story, or the row of a table that one of them goes through.
set -u
cd "${PENSTOCK_SRC:-.}/tests" || exit 1
rows=cases.def
count=25
bad=0
fault() { echo "$rows: $*" >&2; bad=1; }

test -e $rows || exit 0
tab=$(printf '\t')
list() {
    sed -n "s/^CASE(\([0-9]*\), \"[^\"]*\", \"\([^\"]*\)\", \"\([^\"]*\)\")\$/\1$tab\2$tab\3/p" \
        $rows
}
is_there() {    # file, name
    test -e "$1" || return 1
    case $1 in
    *.py) grep -q "^def $2(" "$1" ;;
    *.def) grep -F "\"$2\"," "$1" | grep -q '^[A-Z]*(' ||
        awk -v s="$2" 'index($0, s) == 1 { ok = 1 } END { exit !ok }' "$1" ;;
    *) grep -qx "static void $2(void)" "$1" || grep -qF "{ \"$2\"," "$1" ;;
    esac
}

test "$(list | wc -l)" -eq "$(grep -c '^CASE' $rows)" ||
    fault "a row is not CASE(number, \"what\", \"file\", \"test\")"
n=0
while test $((n += 1)) -le $count; do
    list | grep -q "^$n$tab" || fault "$n: no test"
done
list >"${TMPDIR:-/tmp}/cases.$$"
while IFS=$tab read -r number file name; do
    is_there "$file" "$name" || fault "$number: no '$name' in $file"
done <"${TMPDIR:-/tmp}/cases.$$"
rm -f "${TMPDIR:-/tmp}/cases.$$"
exit $bad
