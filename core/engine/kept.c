/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Bundles to bytes and back. What may be written is a list: a section that is
 * new one day is left out until somebody says that it holds no secret. */
#include "engine/kept.h"

#include "base/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAGIC "PENSTOCK-KEPT 1 "
enum { MAGIC_LEN = sizeof MAGIC - 1,
       FIRST_LINE = MAGIC_LEN + SHA256_HEX + 1 };

struct kept {
    json_t *head, *config;
    struct str body; /* the sections */
    uint64_t number;
    struct kept_plugin plugins[KEPT_PLUGINS_MAX];
    size_t n_plugins;
};

static void hash_hex(struct str s, char out[SHA256_HEX + 1])
{
    uint8_t digest[SHA256_BYTES];

    sha256(s, digest);
    hex_encode(digest, sizeof digest, out);
}

static int damaged(struct err *err, const char *how)
{
    return err_set(err, ERR_CONFIG, "the kept bundle is damaged: %s", how);
}

/* ---- writing ----------------------------------------------------------- */

static bool may_be_kept(struct str name)
{
    return str_is(name, "config") || str_is(name, "prices") ||
           str_is(name, "abilities") ||
           str_starts(name, STR("policy/"));
}

static int put_sections(const struct snapshot *s, json_t *list,
                        struct buf *out)
{
    struct str name, bytes;
    size_t at = 0;
    int rc = 0;

    while (!rc && snapshot_next(s, &at, &name, &bytes)) {
        if (!may_be_kept(name))
            continue;
        rc = buf_put(out, bytes);
        json_array_append_new(list, json_pack("{s:s%, s:I}", "name", name.p,
                                              name.n, "size",
                                              (json_int_t)bytes.n));
    }
    return rc;
}

static json_t *plugins_json(const struct kept_plugin *plugins, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name",
                                              plugins[i].name, "file",
                                              plugins[i].file, "sha256",
                                              plugins[i].sha256));
    return list;
}

/** Beside the list, in its order: a bundle is the same as one that an earlier
 * build wrote, which did not say them. */
static json_t *versions_json(const struct kept_plugin *plugins, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(plugins[i].version));
    return list;
}

/** What makes two of them the same: sections and plugins. */
static void hash_content(const json_t *sections, const json_t *plugins,
                         struct str body, char out[SHA256_HEX + 1])
{
    char *a = json_dumps(sections, JSON_COMPACT);
    char *b = json_dumps(plugins, JSON_COMPACT);
    struct buf all = BUF_INIT(KEPT_HEAD_MAX * 2);
    char hex[SHA256_HEX + 1];

    hash_hex(body, hex);
    buf_printf(&all, "%s\n%s\n%s", a ? a : "", b ? b : "", hex);
    hash_hex(buf_str(&all), out);
    buf_clear(&all);
    free(a);
    free(b);
}

static int put_all(json_t *head, struct str body, struct buf *out,
                   struct err *err)
{
    char *text = json_dumps(head, JSON_COMPACT), hex[SHA256_HEX + 1];
    size_t at = buf_len(out);
    int rc = text ? 0 : -ERR_NOMEM;

    if (!rc)
        rc = buf_printf(out, MAGIC "%0*d\n%s\n", SHA256_HEX, 0, text);
    if (!rc)
        rc = buf_put(out, body);
    free(text);
    if (rc)
        return err_set(err, ERR_LIMIT, "the bundle is larger than %d MiB",
                       KEPT_BYTES_MAX >> 20);
    hash_hex((struct str){ buf_str(out).p + at + FIRST_LINE,
                           buf_len(out) - at - FIRST_LINE }, hex);
    memcpy(out->p + out->off + at + MAGIC_LEN, hex, SHA256_HEX);
    return 0;
}

int kept_encode(const struct snapshot *bundle,
                const struct kept_plugin *plugins, size_t n, struct buf *out,
                struct err *err)
{
    struct buf body = BUF_INIT(KEPT_BYTES_MAX);
    json_t *sections = json_array(), *list = plugins_json(plugins, n);
    char content[SHA256_HEX + 1];
    json_t *head = NULL;
    int rc = put_sections(bundle, sections, &body);

    if (rc) {
        err_set(err, ERR_LIMIT, "the bundle is larger than %d MiB",
                KEPT_BYTES_MAX >> 20);
    } else {
        hash_content(sections, list, buf_str(&body), content);
        head = json_pack("{s:I, s:s, s:I, s:s, s:O, s:o, s:O}", "number",
                         (json_int_t)snapshot_generation(bundle), "version",
                         PS_VERSION, "kept_at", (json_int_t)time(NULL),
                         "content", content, "plugins", list, "versions",
                         versions_json(plugins, n), "sections", sections);
        rc = head ? put_all(head, buf_str(&body), out, err)
                  : err_set(err, ERR_NOMEM, "no memory");
    }
    json_decref(head);
    json_decref(sections);
    json_decref(list);
    buf_clear(&body);
    return rc;
}

/* ---- reading ----------------------------------------------------------- */

static int check_hash(struct str bytes, struct str *rest, struct err *err)
{
    char hex[SHA256_HEX + 1];

    if (bytes.n < FIRST_LINE || bytes.n > KEPT_BYTES_MAX + KEPT_HEAD_MAX ||
        memcmp(bytes.p, MAGIC, MAGIC_LEN) != 0 ||
        bytes.p[FIRST_LINE - 1] != '\n')
        return damaged(err, "its first line is not one of this version's");
    *rest = (struct str){ bytes.p + FIRST_LINE, bytes.n - FIRST_LINE };
    hash_hex(*rest, hex);
    if (memcmp(hex, bytes.p + MAGIC_LEN, SHA256_HEX) != 0)
        return damaged(err, "its hash is not that of its bytes; it was cut "
                            "or changed");
    return 0;
}

static int read_head(struct kept *k, struct str rest, struct err *err)
{
    struct str line = str_split(&rest, '\n');
    json_int_t number;

    if (!rest.p || line.n > KEPT_HEAD_MAX)
        return damaged(err, "its head has no end");
    k->body = rest;
    k->head = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
    number = json_integer_value(json_object_get(k->head, "number"));
    if (number <= 0)
        return damaged(err, "its head cannot be read");
    k->number = (uint64_t)number;
    if (!json_is_string(json_object_get(k->head, "content")))
        return damaged(err, "its head does not say what it is");
    return 0;
}

static bool copy(const json_t *v, const char *key, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(v, key));
    int n = s ? snprintf(out, size, "%s", s) : 0;

    return n > 0 && (size_t)n < size;
}

static int read_plugins(struct kept *k, struct err *err)
{
    json_t *list = json_object_get(k->head, "plugins"), *v;
    const json_t *versions = json_object_get(k->head, "versions");
    size_t i;

    if (!json_is_array(list) || json_array_size(list) > KEPT_PLUGINS_MAX)
        return damaged(err, "its list of plugins cannot be read");
    json_array_foreach(list, i, v) {
        struct kept_plugin *p = &k->plugins[i];
        const char *version = json_string_value(json_array_get(versions, i));

        if (!copy(v, "name", p->name, sizeof p->name) ||
            !copy(v, "file", p->file, sizeof p->file) ||
            !copy(v, "sha256", p->sha256, sizeof p->sha256) ||
            strchr(p->file, '/') || p->file[0] == '.')
            return damaged(err, "a plugin of its list cannot be read");
        snprintf(p->version, sizeof p->version, "%s", version ? version : "");
    }
    k->n_plugins = json_array_size(list);
    return 0;
}

/** Sections fill the rest, without a gap and without a byte more. */
static int check_sections(const struct kept *k, struct err *err)
{
    json_t *list = json_object_get(k->head, "sections"), *v;
    size_t i, left = k->body.n;

    if (!json_is_array(list) || json_array_size(list) > KEPT_SECTIONS_MAX)
        return damaged(err, "its list of sections cannot be read");
    json_array_foreach(list, i, v) {
        json_int_t size = json_integer_value(json_object_get(v, "size"));

        if (!json_is_string(json_object_get(v, "name")) ||
            !json_is_integer(json_object_get(v, "size")) || size < 0 ||
            (uint64_t)size > left)
            return damaged(err, "a section lies outside");
        left -= (size_t)size;
    }
    return left ? damaged(err, "its sections do not fill it") : 0;
}

static int read_config(struct kept *k, struct err *err)
{
    struct str text = kept_section(k, "config");

    if (text.p)
        k->config = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(k->config)
               ? 0 : damaged(err, "its configuration cannot be read");
}

struct kept *kept_parse(struct str bytes, struct err *err)
{
    struct kept *k = calloc(1, sizeof *k);
    struct str rest = STR_NULL;
    int rc;

    if (!k) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    rc = check_hash(bytes, &rest, err);
    if (!rc)
        rc = read_head(k, rest, err);
    if (!rc)
        rc = read_plugins(k, err);
    if (!rc)
        rc = check_sections(k, err);
    if (!rc)
        rc = read_config(k, err);
    if (!rc)
        return k;
    kept_free(k);
    return NULL;
}

void kept_free(struct kept *k)
{
    if (!k)
        return;
    json_decref(k->head);
    json_decref(k->config);
    free(k);
}

uint64_t kept_number(const struct kept *k)
{
    return k->number;
}

const char *kept_content(const struct kept *k)
{
    return json_string_value(json_object_get(k->head, "content"));
}

const struct kept_plugin *kept_plugins(const struct kept *k, size_t *n)
{
    *n = k->n_plugins;
    return k->plugins;
}

struct str kept_section(const struct kept *k, const char *name)
{
    json_t *list = json_object_get(k->head, "sections"), *v;
    const char *p = k->body.p;
    size_t i;

    json_array_foreach(list, i, v) {
        const char *is = json_string_value(json_object_get(v, "name"));
        size_t size =
            (size_t)json_integer_value(json_object_get(v, "size"));

        if (is && strcmp(is, name) == 0)
            return (struct str){ p, size };
        p += size;
    }
    return STR_NULL;
}

static json_t *policies_of(const json_t *tree)
{
    return json_object_get(tree, "policies");
}

/** The bundle has more than the file could say: places that were found, and
 * the socket of the built-in upstream, which is this instance's. */
json_t *kept_tree(const struct kept *k)
{
    json_t *tree = json_deep_copy(k->config), *v;
    json_t *providers = json_object_get(tree, "provider");
    const char *name;
    size_t i;

    json_array_foreach(policies_of(tree), i, v)
        json_object_del(v, "path");
    json_object_foreach(providers, name, v) {
        const char *vendor = json_string_value(json_object_get(v, "vendor"));
        const char *at =
            json_string_value(json_object_get(v, "unix_socket"));
        size_t n = at ? strlen(at) : 0;

        if (vendor && strcmp(vendor, "sim") == 0 && n > 9 &&
            strcmp(at + n - 9, ".sim/sock") == 0)
            json_object_del(v, "unix_socket");
    }
    return tree;
}

const char *kept_policy_path(const struct kept *k, const char *name)
{
    json_t *v;
    size_t i;

    json_array_foreach(policies_of(k->config), i, v) {
        const char *is = json_string_value(json_object_get(v, "name"));

        if (is && strcmp(is, name) == 0)
            return json_string_value(json_object_get(v, "path"));
    }
    return NULL;
}
