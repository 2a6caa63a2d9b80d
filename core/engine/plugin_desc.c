/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Does a descriptor fit? Each thing that can be wrong is named with what was
 * found and what was expected: the author reads it, not we.
 */
#include "engine/plugin_host.h"

#define PATH_BYTES 256
#define HEADER_BYTES 64
#define URL_BYTES (PLUGIN_URL_MAX - 1)

bool plugin_name_valid(struct str name)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

    if (!name.n || name.n > PLUGIN_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (!name.p[i] || !strchr(ok, name.p[i]))
            return false;
    }
    return true;
}

/* Printable ASCII of at most `max` bytes; `blank`: a space is fine. */
static bool printable(const char *z, size_t max, bool blank)
{
    size_t n = z ? strnlen(z, max + 1) : 0;

    for (size_t i = 0; i < n; i++) {
        if (z[i] < (blank ? 0x20 : 0x21) || z[i] > 0x7e)
            return false;
    }
    return n && n <= max;
}

static int check_abi(const ps_plugin *d, struct err *err)
{
    if (d->magic != PS_MAGIC)
        return err_set(err, ERR_CONFIG,
                       "the descriptor's magic is 0x%08x, not 0x%08x: define "
                       "it with PS_PLUGIN",
                       d->magic, PS_MAGIC);
    if (d->abi_major != PS_ABI_MAJOR || d->abi_minor != PS_ABI_MINOR)
        return err_set(err, ERR_CONFIG,
                       "built for plugin ABI %u.%u; this Penstock has %u.%u: "
                       "build it again with this version's headers",
                       d->abi_major, d->abi_minor, PS_ABI_MAJOR, PS_ABI_MINOR);
    if (d->size != sizeof *d)
        return err_set(err, ERR_CONFIG,
                       "the descriptor says it has %u bytes, not %zu",
                       d->size, sizeof *d);
    if (d->kind != PS_PROVIDER)
        return err_set(err, ERR_CONFIG,
                       "kind %u is unknown: this Penstock loads providers "
                       "(%u)",
                       d->kind, PS_PROVIDER);
    return 0;
}

static int check_api(const ps_api *a, unsigned i, struct err *err)
{
    if (a->op < PS_CHAT || a->op > PS_PASSTHROUGH ||
        a->dialect < PS_OPENAI_CHAT || a->dialect > PS_PREDICT)
        return err_set(err, ERR_CONFIG,
                       "apis[%u]: op %u with dialect %u is unknown to ABI "
                       "%u.%u",
                       i, a->op, a->dialect, PS_ABI_MAJOR, PS_ABI_MINOR);
    if (plugin_api_dialect(a) == DIALECT_NONE)
        return err_set(err, ERR_CONFIG,
                       "apis[%u]: dialect %u does not carry op %u", i,
                       a->dialect, a->op);
    if (a->framing > PS_EVENTCHUNKS)
        return err_set(err, ERR_CONFIG, "apis[%u]: framing %u is unknown", i,
                       a->framing);
    if (!a->method || (strcmp(a->method, "GET") && strcmp(a->method, "POST")))
        return err_set(err, ERR_CONFIG, "apis[%u]: method is GET or POST", i);
    if (!printable(a->path, PATH_BYTES, false) || a->path[0] != '/')
        return err_set(err, ERR_CONFIG,
                       "apis[%u]: path begins with '/' and has at most %d "
                       "printable bytes",
                       i, PATH_BYTES);
    return 0;
}

static int check_serves(const ps_provider *ops, struct err *err)
{
    if (ops->n_serves > PLUGIN_MAX_APIS || (ops->n_serves && !ops->serves))
        return err_set(err, ERR_CONFIG, "ops.n_serves is %u, not 0 to %d",
                       ops->n_serves, PLUGIN_MAX_APIS);
    for (uint32_t i = 0; i < ops->n_serves; i++) {
        if (!printable(ops->serves[i].models, URL_BYTES, true))
            return err_set(err, ERR_CONFIG,
                           "serves[%u]: models has at most %d printable bytes",
                           i, URL_BYTES);
    }
    return 0;
}

static int check_ops(const ps_provider *ops, struct err *err)
{
    int rc;

    if (!ops)
        return err_set(err, ERR_CONFIG, "the descriptor has no ops");
    if (ops->size != sizeof *ops)
        return err_set(err, ERR_CONFIG,
                       "ops.size is %u, not %zu: set .size = sizeof ops",
                       ops->size, sizeof *ops);
    if (ops->ctx_size > PLUGIN_MAX_CTX)
        return err_set(err, ERR_CONFIG, "ops.ctx_size is %u, over %u",
                       ops->ctx_size, PLUGIN_MAX_CTX);
    if (!ops->apis || !ops->n_apis || ops->n_apis > PLUGIN_MAX_APIS)
        return err_set(err, ERR_CONFIG, "ops.n_apis is %u, not 1 to %d",
                       ops->apis ? ops->n_apis : 0, PLUGIN_MAX_APIS);
    for (uint32_t i = 0; i < ops->n_apis; i++) {
        rc = check_api(&ops->apis[i], i, err);
        if (rc < 0)
            return rc;
    }
    if ((ops->auth_header &&
         !printable(ops->auth_header, HEADER_BYTES, false)) ||
        (ops->auth_prefix && *ops->auth_prefix &&
         !printable(ops->auth_prefix, HEADER_BYTES, true)))
        return err_set(err, ERR_CONFIG,
                       "ops.auth_header and .auth_prefix are printable, at "
                       "most %d bytes",
                       HEADER_BYTES);
    if (ops->base_url && !printable(ops->base_url, URL_BYTES, false))
        return err_set(err, ERR_CONFIG,
                       "ops.base_url is printable, at most %d bytes",
                       URL_BYTES);
    rc = check_serves(ops, err);
    return rc || !ops->settings ? rc : plugin_schema_check(ops->settings, err);
}

int plugin_desc_check(const ps_plugin *d, struct str name, struct err *err)
{
    int rc = check_abi(d, err);

    if (rc < 0)
        return rc;
    if (!d->name || strnlen(d->name, PLUGIN_NAME_MAX + 1) > PLUGIN_NAME_MAX ||
        !str_eq(str_of(d->name), name))
        return err_set(err, ERR_CONFIG,
                       "the file is " STR_FMT ".so but the plugin names itself "
                       "'%.64s': name both alike",
                       STR_ARG(name), d->name ? d->name : "");
    if (!printable(d->version, 32, false))
        return err_set(err, ERR_CONFIG,
                       "the descriptor's version is 1 to 32 printable bytes");
    return check_ops(d->ops, err);
}
