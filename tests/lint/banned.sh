#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# Calls that are not used here: unbounded copies, numbers without an error,
# shells, and whatever would stop an event loop. Comments and strings do not
# count.
set -u
cd "${PENSTOCK_SRC:-.}" || exit 1

find core plugins sdk -name '*.[ch]' | LC_ALL=C sort | xargs awk '
function fault(msg) { printf "%s:%d: %s\n", FILENAME, FNR, msg; bad = 1 }
function check(names, why,    n, name, i) {
    n = split(names, name, " ")
    for (i = 1; i <= n; i++)
        if (text ~ ("(^|[^A-Za-z0-9_>.])" name[i] "[ ]*\\("))
            fault(name[i] ": " why)
}
FNR == 1 { comment = 0 }
{
    text = $0
    gsub(/\\./, "", text)
    gsub(/"[^"]*"/, "\"\"", text)
    if (comment) {
        if (!sub(/^.*\*\//, "", text))
            next
        comment = 0
    }
    while (match(text, /\/\*/)) {
        rest = substr(text, RSTART + 2)
        head = substr(text, 1, RSTART - 1)
        if (match(rest, /\*\//)) {
            text = head " " substr(rest, RSTART + 2)
        } else {
            text = head
            comment = 1
        }
    }
    sub(/\/\/.*/, "", text)

    check("strcpy strcat sprintf vsprintf gets stpcpy strncat",
          "without a bound; use base/buf.h or snprintf")
    check("atoi atol atoll atof", "hides its errors; use base/str.h")
    check("strtok alloca", "not used here")
    check("system popen", "no shell")
    if (FILENAME !~ /^core\/(app|cli|mock)\//)
        check("sleep usleep nanosleep", "stops the loop; use a timer")
    else
        check("usleep", "obsolete")
    if (FILENAME !~ /^core\/keeper\//)
        check("getaddrinfo gethostbyname getnameinfo",
              "names are resolved by the keeper")
    if (text ~ /^typedef (struct|union)/ && FILENAME !~ /^sdk\//)
        fault("no typedef of structs")
    if (text ~ /^#[ ]*if 0/)
        fault("dead code")
}
END { exit bad }'
