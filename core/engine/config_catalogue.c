/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The catalogue's files beside its vendors: hundreds of models of which a
 * configuration needs those of its own vendors. The file is scanned whole,
 * and a tree is made of that part alone: each load reads them, and a tree of
 * all takes ten times as long.
 */
#include "base/file.h"
#include "base/json.h"
#include "engine/config_walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 20 };

/** Into `vendors` the one of that name, where the file has it. */
static int take_vendor(json_t *vendors, const struct json *file, uint32_t all,
                       const char *name)
{
    uint32_t node = json_member(file, all, str_of(name));
    struct str text = STR_NULL;
    json_t *v;

    if (node == JSON_NONE || json_object_get(vendors, name))
        return 0;
    text = json_raw(file, node);
    v = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    return json_object_set_new(vendors, name, v) == 0 ? 0 : -ERR_NOMEM;
}

/** {"vendors": {...}}, of the providers' vendors; NULL: no memory. */
static json_t *needed(const struct json *file, const json_t *canonical)
{
    json_t *all = json_object_get(canonical, "provider"), *v;
    json_t *vendors = json_object();
    uint32_t at = json_at(file, STR("/vendors"));
    const char *name;
    int rc = vendors ? 0 : -ERR_NOMEM;

    json_object_foreach(all, name, v) {
        const char *vendor = json_string_value(json_object_get(v, "vendor"));

        if (!rc && at != JSON_NONE)
            rc = take_vendor(vendors, file, at, vendor ? vendor : name);
    }
    v = json_pack("{s:O*}", "vendors", rc ? NULL : vendors);
    json_decref(vendors);
    if (!rc)
        return v;
    json_decref(v);
    return NULL;
}

json_t *config_beside(const json_t *canonical, const char *vendors,
                      const char *name, struct err *err)
{
    const struct json_limits lim = { .dup_nowhere = true };
    const char *slash = vendors ? strrchr(vendors, '/') : NULL;
    struct buf text = BUF_INIT(FILE_MAX);
    struct json scan = { 0 };
    struct err why = { 0 };
    char path[2048];
    json_t *out = NULL;

    snprintf(path, sizeof path, "%.*s%s",
             slash ? (int)(slash - vendors) + 1 : 0, vendors ? vendors : "",
             name);
    if (access(path, R_OK) != 0 && errno == ENOENT)
        return json_object();
    if (file_read(path, &text, &why) == 0)
        json_scan(&scan, buf_str(&text), &lim, &why);
    if (why.code)
        err_set(err, ERR_CONFIG, "the catalogue: %s: %s%s%s", path, why.msg,
                *why.at ? ", at " : "", why.at);
    else if (!(out = needed(&scan, canonical)))
        err_set(err, ERR_NOMEM, "no memory for the catalogue's %s", name);
    json_clear(&scan);
    buf_clear(&text);
    return out;
}
