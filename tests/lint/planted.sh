#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# The lint scripts find what they are for: each fault is planted in an empty
# house, where the script must pass before and name the fault after.
set -u
lint=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
house=$(mktemp -d) || exit 1
trap 'rm -rf "$house"' EXIT
bad=0

empty_house() {
    rm -rf "${house:?}"/*
    for d in base wire net engine policy flow keeper mock app cli; do
        mkdir -p "$house/core/$d"
    done
    mkdir -p "$house/plugins" "$house/sdk/include/penstock" \
        "$house/tests/unit" "$house/docs/design" "$house/docs/guide" \
        "$house/docs/man"
    for f in README.md LICENSE docs/NEWS.md docs/SECURITY.md \
        docs/CONTRIBUTING.md docs/design/dependencies.md; do
        echo text >"$house/$f"
    done
    write sdk/include/penstock/plugin.h '/** Zero. */
int ps_zero(void);'
    write core/base/buf.h 'struct buf { int n; };'
}

write() {       # file, text: below the two lines that every file has
    printf '/* SPDX-License-Identifier: Apache-2.0 */\n%s\n' "$2" \
        >"$house/$1"
}

check() { PENSTOCK_SRC=$house "$lint/$1" 2>&1; }

finds() {       # script, what it has to say; the fault is in the house
    said=$(check "$1")
    code=$?
    if test $code -eq 0 || ! echo "$said" | grep -q -- "$2"; then
        echo "$1 does not find: $2 (exit $code)"
        echo "$said"
        bad=1
    fi
    empty_house
    said=$(check "$1") || {
        echo "$1 finds fault with an empty house:"
        echo "$said"
        bad=1
    }
}

repeat() { awk -v n="$1" -v s="$2" 'BEGIN { while (n--) print s }'; }

empty_house
write core/base/a.c '#include "net/loop.h"'
finds floors.sh 'base includes net/loop.h'
write core/wire/a.c '#include "net/loop.h"'
finds floors.sh 'wire includes net/loop.h'
write core/keeper/a.c '#include "mock/mock.h"'
finds floors.sh 'keeper includes mock/mock.h'
write core/flow/a.c '#include <event2/event.h>'
finds floors.sh 'event2/event.h belongs to net'
write core/engine/a.c '#include <openssl/evp.h>'
finds floors.sh 'openssl/evp.h belongs to net'
write core/engine/a.c '#include <lua.h>'
finds floors.sh 'lua.h belongs to policy'
write core/base/a.c '#include "buf.h"'
finds floors.sh 'include by floor'
mkdir -p "$house/plugins/acme"
write plugins/acme/acme.c '#include "base/buf.h"'
finds floors.sh 'a plugin sees the SDK,'
write core/base/x.h '#include "base/y.h"'
write core/base/y.h '#include "base/x.h"'
finds floors.sh 'includes itself by'

write core/base/a.c "$(repeat 500 'int a;')"
finds sizes.sh '501 lines, over 500'
write tests/a.py "$(repeat 500 'a = 1')"
finds sizes.sh 'a.py:501: 501 lines, over 500'
write core/base/a.h "$(repeat 250 'int a;')"
finds sizes.sh '251 lines, over 250'
write core/base/a.c "int f(void)
{
$(repeat 61 '    f();')
}"
finds sizes.sh 'function of 61 lines'
write core/base/a.c "$(awk 'BEGIN { printf "//%079d", 0 }')"
finds sizes.sh '81 columns'

for call in 'strcpy(a, b)' 'sprintf(a, b)' 'atoi(a)' 'strtok(a, b)' \
    'alloca(9)' 'system(a)' 'popen(a, b)' 'usleep(1)' \
    'getaddrinfo(a, b, c, d)'; do
    write core/net/a.c "int f(void)
{
    return $call;
}"
    finds banned.sh "${call%%(*}"
done
write core/base/a.c 'typedef struct a a;'
finds banned.sh 'no typedef'
write core/base/a.c '#if 0'
finds banned.sh 'dead code'
write core/base/a.c '/* strcpy(a, b) is
 * not atoi(c) */ const char *s = "system(x)"; // popen(x)'
check banned.sh || { echo 'banned.sh reads comments or strings'; bad=1; }
empty_house

mark=TO
write core/base/a.c "/* ${mark}DO: more */"
finds words.sh 'a note to oneself'
write core/base/a.c '<<<<<<< HEAD'
finds words.sh 'a conflict mark'
mark=/wo
write core/base/a.c "/* see ${mark}rk/notes */"
finds words.sh 'machine'
write core/base/a.c 'int a; '
finds words.sh 'white space'
echo 'int a;' >"$house/core/base/a.c"
finds words.sh 'no SPDX line'

write sdk/include/penstock/a.h 'int ps_bare(void);'
finds docs.sh 'ps_bare has no comment'
write core/base/a.def 'ROW(A, "a, b", 1)
ROW(B, "c", 2, 3)'
finds docs.sh '4 columns, not 3'
echo '[there](nowhere.md)' >"$house/docs/NEWS.md"
finds docs.sh 'no nowhere.md'
echo '[new](new.md)' >"$house/docs/guide/README.md"
echo text >"$house/docs/guide/new.md"
finds docs.sh 'README.md: does not name docs/guide/new.md'
echo '[new](docs/guide/new.md)' >"$house/README.md"
echo text >"$house/docs/guide/README.md"
echo text >"$house/docs/guide/new.md"
finds docs.sh 'docs/guide/README.md: does not name new.md'
rm "$house/docs/SECURITY.md"
finds docs.sh 'SECURITY.md: missing'

write core/cli/verbs.def 'VERB_ROW(serve)
VERB_ROW(stop)'
printf '.Sh COMMANDS\n.It Ic serve Op Fl c\n' >"$house/docs/man/penstock.8"
finds docs.sh "no 'stop'"

write core/engine/config.def 'CONF_KEY(top, "state", ONE)
CONF_KEY(server, "user", ONE)'
printf '.Sh KEYS\n.It Ic state\n' >"$house/docs/man/penstock.conf.5"
finds docs.sh "no 'user'"

write core/engine/alert.def 'ALERT_ROW(A, "gone", WARNING)'
finds runbooks.sh 'gone: no page'
mkdir -p "$house/docs/runbooks"
for part in Symptom 'What it means' Look Do; do
    echo "## $part"
done >"$house/docs/runbooks/half.md"
finds runbooks.sh "half.md: no part 'After'"
write core/engine/alert.def 'ALERT_ROW(A, "half", WARNING)'
finds runbooks.sh 'half is not in the table'

# Rows for all cases; $1 stands in the place of the last one.
cases() {
    i=0
    while test $((i += 1)) -lt 25; do
        echo "CASE($i, \"x\", \"unit/a.c\", \"a\")"
    done >"$house/tests/cases.def"
    echo "$1" >>"$house/tests/cases.def"
    write tests/unit/a.c 'static void a(void)'
}
cases 'CASE(25, "x", "unit/a.c", "b")'
finds cases.sh "25: no 'b' in unit/a.c"
cases 'CASE(25, "x", "unit/b.py", "a")'
finds cases.sh "25: no 'a' in unit/b.py"
cases ''
finds cases.sh '25: no test'
cases 'CASE(25, "x", "unit/a.c")'
finds cases.sh 'a row is not'

write core/base/a.h 'struct a { struct buf b; };'
finds headers.sh 'a.h: does not compile alone'
write sdk/include/penstock/a.h 'int ps_new(int class, int class);'
finds headers.sh 'a.h: does not compile alone'
said=$(CC='env cc' check headers.sh) || {
    echo "headers.sh takes no compiler of two words:"
    echo "$said"
    bad=1
}
exit $bad
