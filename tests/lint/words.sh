#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# Marks that work leaves behind: notes to oneself, conflict marks, places that
# exist on one machine only, the host names of a package registry.
set -u
cd "${PENSTOCK_SRC:-.}" || exit 1

files() {
    find . -type f -not -path './.git*' -not -path './build*' \
        -not -path './contrib/build-aux/*' \
        -not -path '*/.work/*' -not -path './san/*' -not -path './fuzz/*' \
        -not -path './_*' -not -path './autom4te.cache/*' \
        -not -name configure -not -name 'configure~' -not -name Makefile \
        -not -name Makefile.in -not -name aclocal.m4 -not -path './tests/lint/words.sh' "$@"
}
bad=0
refuse() {      # why, extended expression, find's arguments
    why=$1 mark=$2
    shift 2
    if files "$@" -print0 | xargs -0 grep -InE -- "$mark"; then
        echo "^^^ $why" >&2
        bad=1
    fi
}
refuse 'a note to oneself' '\<(TODO|FIXME|XXX|HACK|TBD)\>'
refuse 'a conflict mark' '^(<<<<<<< |>>>>>>> |=======$)'
refuse "a place on somebody's machine" '(^|[^[:alnum:]_./-])/(work|tmp/h)/'
refuse 'a registry of packages' \
    '"resolved"|registry\.npmjs|files\.pythonhosted' -path './tests/*'
refuse 'white space at the end' '[ 	]+$' '(' -name '*.[ch]' -o \
    -name '*.am' -o -name '*.ac' -o -name '*.lua' -o -name '*.sh' ')'

# two lines at the top of every source file
files '(' -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.am' \
    -o -name '*.lua' -o -name '*.def' -o -name "*.mjs" -o -name "*.js" ")" |
    LC_ALL=C sort | {
        while read -r f; do
            head -4 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
                { echo "$f: no SPDX line" >&2; bad=1; }
        done
        exit $bad
    } || bad=1
exit $bad
