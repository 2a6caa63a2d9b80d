#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
#
# The floors of the house: a file includes its own floor and those below it,
# never above; foreign headers stay on the floor that owns them; no header
# includes itself by a detour.
set -u
cd "${PENSTOCK_SRC:-.}" || exit 1

find core plugins -name '*.[ch]' | LC_ALL=C sort | xargs awk '
function fault(msg) { printf "%s:%d: %s\n", FILENAME, FNR, msg; bad = 1 }
function list(floor, below) { may[floor] = " " floor " " below " " }
BEGIN {
    list("base",   "")
    list("wire",   "base")
    list("net",    "base")
    list("engine", "base wire net")
    list("policy", "base wire net engine")
    list("flow",   "base wire net engine policy")
    list("keeper", "base wire net engine policy flow")
    list("mock",   "base wire net engine policy flow")
    list("app",    "base wire net engine policy flow keeper mock")
    list("cli",    "base wire net engine policy flow keeper mock app")
    # foreign header prefix -> the floors that may see it
    owner["event2/"] = "net"; owner["event.h"] = "net"
    owner["curl/"] = "net"; owner["openssl/"] = "net"
    owner["hiredis/"] = "net"; owner["zlib.h"] = "net"
    owner["lua.h"] = "policy"; owner["lauxlib.h"] = "policy"
    owner["lualib.h"] = "policy"; owner["sqlite3.h"] = "keeper"
    owner["pcre2.h"] = "policy"; owner["yaml.h"] = "cli"
    owner["jwt.h"] = "engine keeper"
}
FNR == 1 {
    split(FILENAME, part, "/")
    floor = part[1] == "core" ? part[2] : "plugins"
    if (floor != "plugins" && !(floor in may))
        fault("no such floor: core/" floor)
}
/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    what = $0
    sub(/^[^<"]*[<"]/, "", what)
    sub(/[>"].*/, "", what)
    for (prefix in owner)
        if (index(what, prefix) == 1 &&
            index(" " owner[prefix] " ", " " floor " ") == 0)
            fault(what " belongs to " owner[prefix])
    if (floor == "plugins") {
        if ($0 ~ /"/ && what ~ /\// && what !~ /^\.\.\/shared\/[a-z_]+\.h$/)
            fault(what ": a plugin sees the SDK, its own files and those in " \
                  "plugins/shared only")
        next
    }
    if ($0 !~ /"/ || what == "config.h")
        next
    split(what, to, "/")
    if (!(to[1] in may))
        fault(what ": include by floor, as in \"base/buf.h\"")
    else if (index(may[floor], " " to[1] " ") == 0 &&
             FILENAME != "core/app/main.c")      # the root sees everything
        fault(floor " includes " what ", which is not below it")
    edge[FILENAME] = edge[FILENAME] " core/" what
}
function visit(file, path,    n, to, i) {
    if (file in done)
        return
    if (file in open_now) {
        printf "%s: includes itself by %s\n", file, path
        bad = 1
        return
    }
    open_now[file] = 1
    n = split(edge[file], to, " ")
    for (i = 1; i <= n; i++)
        visit(to[i], path " > " to[i])
    delete open_now[file]
    done[file] = 1
}
END {
    for (file in edge)
        visit(file, file)
    exit bad
}'
