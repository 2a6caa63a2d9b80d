#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# Sizes: .c and tests in Python <= 500 lines, .h <= 250, a function <= 60
# lines, 80 columns.
# Tables between "clang-format off" and "clang-format on" may be wider.
set -u
cd "${PENSTOCK_SRC:-.}" || exit 1
bad=0

find tests -name '*.py' -not -path '*/.work/*' | LC_ALL=C sort |
    xargs awk '
function close_file() {
    if (file != "" && lines > 500) {
        printf "%s:%d: %d lines, over 500\n", file, lines, lines
        bad = 1
    }
}
FNR == 1 { close_file(); file = FILENAME }
{ lines = FNR }
END { close_file(); exit bad }' || bad=1

find core plugins sdk tests -name '*.[ch]' -not -path '*/.work/*' |
    LC_ALL=C sort | LC_ALL=C.UTF-8 xargs awk '
function fault(line, msg) { printf "%s:%d: %s\n", file, line, msg; bad = 1 }
function close_file() {
    limit = file ~ /\.h$/ ? 250 : 500
    if (file != "" && lines > limit)
        fault(lines, lines " lines, over " limit)
}
FNR == 1 { close_file(); file = FILENAME; start = 0; wide = 0 }
{ lines = FNR }
/clang-format off/ { wide = 1 }
/clang-format on/ { wide = 0 }
!wide {
    text = $0
    gsub(/\t/, "        ", text)
    # characters, not bytes: mawk counts bytes, so drop continuation bytes
    gsub(/[\200-\277]/, "", text)
    if (length(text) > 80)
        fault(FNR, length(text) " columns, over 80")
}
/^{/ { start = FNR }
/^}/ && start {
    if (FNR - start - 1 > 60)
        fault(start, "function of " FNR - start - 1 " lines, over 60")
    start = 0
}
END { close_file(); exit bad }' || bad=1
exit $bad
