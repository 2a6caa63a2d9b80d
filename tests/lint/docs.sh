#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# What is documented stays documented: functions of the SDK's headers, verbs
# and configuration keys in the manual, rows of tables with all their columns,
# links that lead somewhere, guides in both indexes.
set -u
cd "${PENSTOCK_SRC:-.}" || exit 1
bad=0
fault() { echo "$*" >&2; bad=1; }

for f in README.md LICENSE docs/NEWS.md docs/SECURITY.md \
    docs/CONTRIBUTING.md docs/design/dependencies.md; do
    test -s "$f" || fault "$f: missing or empty"
done

# A function of the SDK stands below a comment, or in a block of lines that
# does.
find sdk/include -name '*.h' | LC_ALL=C sort | xargs awk '
FNR == 1 { covered = 0; comment = 0; depth = 0 }
{ line = $0 }
comment { if (line ~ /\*\//) { comment = 0; covered = 1 } next }
/SPDX-License|Copyright/ { next }
line ~ /^[ \t]*\/\*/ {
    if (line ~ /\*\//) covered = 1; else comment = 1
    next
}
line ~ /^[ \t]*$/ { if (!depth) covered = 0; next }
!depth && line ~ /^(static inline |extern )?[A-Za-z_][A-Za-z0-9_ *]*[ *]ps_[a-z0-9_]+\(/ {
    if (!covered) {
        name = line
        sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
        printf "%s:%d: %s has no comment\n", FILENAME, FNR, name
        bad = 1
    }
}
{ n = gsub(/{/, "{", line); m = gsub(/}/, "}", line)
  if (line !~ /extern "C"/) depth += n - m
  if (depth < 0) depth = 0 }
END { exit bad }' || bad=1

# Rows of a table have the same number of columns.
find core sdk -name '*.def' | LC_ALL=C sort | xargs -r awk '
function columns(text,    n, i, c, depth) {
    gsub(/\\./, "", text)
    gsub(/"[^"]*"/, "s", text)
    n = 1
    for (i = index(text, "(") + 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c ~ /[({]/) depth++
        if (c ~ /[)}]/ && depth-- == 0) return n
        if (c == "," && depth == 0) n++
    }
    return -1
}
FNR == 1 { delete want }
/^[A-Z][A-Z0-9_]*\(/ {
    macro = $0; sub(/\(.*/, "", macro)
    n = columns($0)
    if (!(macro in want)) want[macro] = n
    if (n < 0 || n != want[macro]) {
        printf "%s:%d: %d columns, not %d\n", FILENAME, FNR, n, want[macro]
        bad = 1
    }
}
END { exit bad }' || bad=1

# Links between pages.
find README.md docs plugins sdk -name '*.md' | while read -r page; do
    grep -o '](\([^)]*\))' "$page" | sed 's/^](//; s/)$//; s/#.*//' |
        while read -r to; do
            case $to in
            '' | http://* | https://* | mailto:*) continue ;;
            esac
            test -e "$(dirname "$page")/$to" || echo "$page: no $to"
        done
done | { ! grep .; } || bad=1

# Both indexes name every guide.
for page in docs/guide/*.md; do
    test -e "$page" || continue
    name=${page##*/}
    test "$name" = README.md && continue
    grep -qF "](docs/guide/$name)" README.md ||
        fault "README.md: does not name $page"
    grep -qF "]($name)" docs/guide/README.md ||
        fault "docs/guide/README.md: does not name $name"
done

# The manual.
for page in docs/man/*.[578]; do
    test -e "$page" || continue
    command -v mandoc >/dev/null || { echo "skipped: no mandoc"; break; }
    mandoc -T lint -W warning "$page" || bad=1
done

# Each verb of the command line stands in penstock(8), as an item or a
# section of its own, each key of the configuration in penstock.conf(5).
# $1 page, $2 table, $3 expression that finds the name in a row
stands_in() {
    test -e "$1" -a -e "$2" || return 0
    sed -n "$3" "$2" | sort -u | while read -r name; do
        grep -Eq "^\.(It|Ss|Sh|Cm|Ic|Nm) (.*[ \"])?$name([ \".=]|\$)" "$1" ||
            echo "$1: no '$name' of $2"
    done | { ! grep .; } || bad=1
}
stands_in docs/man/penstock.8 core/cli/verbs.def 's/^VERB_ROW(\([a-z_]*\)).*/\1/p'
stands_in docs/man/penstock.conf.5 core/engine/config.def \
    's/^CONF_KEY([a-z_]*, "\([a-z0-9_]*\)".*/\1/p'
exit $bad
