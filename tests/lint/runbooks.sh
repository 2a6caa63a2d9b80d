#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# Each row of alert.def has its page, each page has its five parts and is in
# the list, and the list has no page that is not there.
set -u
cd "${PENSTOCK_SRC:-.}" || exit 1
bad=0
fault() { echo "$*" >&2; bad=1; }

pages=docs/runbooks
rows=core/engine/alert.def
names() {
    test ! -e $rows ||
        sed -n 's/^ALERT_ROW([A-Z0-9_]*, "\([a-z0-9_]*\)".*/\1/p' $rows
}
for name in $(names); do
    test -s "$pages/$name.md" || fault "$rows: $name: no page $pages/$name.md"
    grep -q "^| \[$name\]($name\.md) |" $pages/README.md 2>/dev/null ||
        fault "$pages/README.md: $name is not in the table of alerts"
done
for page in "$pages"/*.md; do
    name=${page##*/}
    test -e "$page" && test "$name" != README.md || continue
    for part in Symptom 'What it means' Look Do After; do
        grep -qx "## $part" "$page" || fault "$page: no part '$part'"
    done
    grep -q "]($name)" $pages/README.md || fault "$page: not in README.md"
done
exit $bad
