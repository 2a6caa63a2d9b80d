/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The verbs of keys. Each that changes one writes its line in the audit. */
#include "keeper/desk.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "engine/config_unit.h"
#include "engine/key_text.h"
#include "engine/principal.h"
#include "keeper/key_record.h"

#include <stdlib.h>

#define GRACE_MAX_MS ((uint64_t)90 * 86400000)

/** What is shown stays what may be given: less what we add to a record. */
static json_t *fields_of(const json_t *key)
{
    static const char *const shown[] = { "id", "state", "created", "changed",
                                         "created_by", "revoked", "secrets" };
    json_t *fields = json_copy((json_t *)(uintptr_t)key), *v;
    const char *name;
    void *tmp;

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        json_object_del(fields, shown[i]);
    json_object_foreach_safe(fields, tmp, name, v) {
        if (json_is_null(v))
            json_object_del(fields, name);
    }
    return fields;
}

static const char *id_of(const json_t *key)
{
    return json_string_value(json_object_get(key, "id"));
}

static json_t *asked(struct desk *d, const struct desk_ask *q,
                     struct err *err)
{
    const char *id = desk_text(q, "id");

    if (id)
        return key_find(d->store, id, err);
    err_set(err, ERR_CONFIG, "which key? Give its id or name");
    return NULL;
}

/* Only what still lives can be changed. */
static json_t *asked_live(struct desk *d, const struct desk_ask *q,
                          struct err *err)
{
    json_t *key = asked(d, q, err);

    if (!key || !json_object_get(key, "revoked"))
        return key;
    err_set(err, ERR_CONFIG, "key '%s' was revoked, which is for good",
            id_of(key));
    json_decref(key);
    return NULL;
}

/** Read the key again, note the change, write the audit. `before` is taken. */
static json_t *changed(struct desk *d, const struct desk_ask *q,
                       json_t *before, const char *id, struct err *err)
{
    json_t *after = key_find(d->store, id, err);

    if (after &&
        audit_add(d->store, q->who, desk_text(q, "verb"), id, before, after,
                  err) != 0) {
        json_decref(after);
        after = NULL;
    }
    if (after)
        key_book_note(d->book, id);
    json_decref(before);
    return after ? json_pack("{s:o}", "key", after) : NULL;
}

/* ---- create, import ---------------------------------------------------- */

static int name_ok(struct desk *d, const json_t *fields, struct err *err)
{
    const char *team = json_string_value(json_object_get(fields, "team"));
    const char *name = json_string_value(json_object_get(fields, "name"));

    if (key_book_configured(d->book, name))
        return err_at(err, ERR_EXISTS, "name", "the configuration has a key "
                      "of that name, and it wins");
    return team ? desk_team_ok(d, team, err) : 0;
}

static json_t *add(struct desk *d, const struct desk_ask *q, const char *id,
                   const unsigned char sum[32], struct err *err)
{
    json_t *given = desk_fields(q), *fields = record_check("key", given, err);
    int rc = fields ? name_ok(d, fields, err) : -err->code;

    if (!rc)
        rc = key_insert(d->store, id, fields, sum, q->who, err);
    json_decref(given);
    json_decref(fields);
    return rc ? NULL : changed(d, q, NULL, id, err);
}

static json_t *do_create(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    char id[KEY_ID_LEN + 1], text[KEY_TEXT_LEN + 1];
    unsigned char sum[SHA256_BYTES];
    json_t *reply;

    if (key_id_make(id, err) != 0 || key_text_make(id, text, err) != 0)
        return NULL;
    sha256(str_of(text), sum);
    reply = add(d, q, id, sum, err);
    if (reply)
        json_object_set_new(reply, "secret", json_string(text));
    explicit_bzero(text, sizeof text);
    return reply;
}

static json_t *do_import(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    const char *hex = desk_text(q, "sha256");
    char id[KEY_ID_LEN + 1];
    unsigned char sum[SHA256_BYTES];

    if (!hex || !hex_decode(str_of(hex), sum, sizeof sum)) {
        err_at(err, ERR_CONFIG, "sha256", "64 hexadecimal digits are needed, "
               "the SHA-256 of the key");
        return NULL;
    }
    if (config_key_find(d->config, sum)) {
        err_at(err, ERR_EXISTS, "sha256", "the configuration has that key");
        return NULL;
    }
    return key_id_make(id, err) == 0 ? add(d, q, id, sum, err) : NULL;
}

/* ---- look -------------------------------------------------------------- */

static json_t *do_list(struct desk *d, const struct desk_ask *q,
                       struct err *err)
{
    json_t *page = key_list(d->store, desk_text(q, "after"),
                            json_is_true(json_object_get(q->ask, "revoked")),
                            err), *key;
    size_t i;

    json_array_foreach(json_object_get(page, "keys"), i, key) {
        const char *name = json_string_value(json_object_get(key, "name"));

        if (key_book_configured(d->book, name))
            json_object_set_new(key, "state", json_string("shadowed"));
    }
    return page;
}

static json_t *do_show(struct desk *d, const struct desk_ask *q,
                       struct err *err)
{
    json_t *key = asked(d, q, err);

    return key ? json_pack("{s:o}", "key", key) : NULL;
}

/* ---- change ------------------------------------------------------------ */

static json_t *put(struct desk *d, const struct desk_ask *q, json_t *before,
                   json_t *fields, struct err *err)
{
    char id[KEY_ID_LEN + 1];
    json_t *ok = record_check("key", fields, err);
    const char *team = json_string_value(json_object_get(ok, "team"));
    int rc = ok ? 0 : -err->code;

    snprintf(id, sizeof id, "%s", id_of(before));
    if (!rc && team)
        rc = desk_team_ok(d, team, err);
    if (!rc)
        rc = key_change(d->store, id, ok, err);
    json_decref(ok);
    json_decref(fields);
    if (!rc)
        return changed(d, q, before, id, err);
    json_decref(before);
    return NULL;
}

/* Fields that are given replace; null takes one away. */
static json_t *do_update(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    json_t *key = asked_live(d, q, err), *fields, *given;

    if (!key)
        return NULL;
    fields = fields_of(key);
    given = desk_fields(q);
    if (json_object_get(given, "name") &&
        !json_equal(json_object_get(given, "name"),
                    json_object_get(fields, "name"))) {
        err_at(err, ERR_CONFIG, "name", "cannot be changed: limits and logs "
               "go by it; make another key");
        json_decref(key);
        json_decref(fields);
        json_decref(given);
        return NULL;
    }
    json_object_update(fields, given);
    json_decref(given);
    return put(d, q, key, fields, err);
}

static json_t *set_disabled(struct desk *d, const struct desk_ask *q,
                            bool disabled, struct err *err)
{
    json_t *key = asked_live(d, q, err), *fields;

    if (!key)
        return NULL;
    fields = fields_of(key);
    json_object_set_new(fields, "disabled", json_boolean(disabled));
    return put(d, q, key, fields, err);
}

static json_t *do_disable(struct desk *d, const struct desk_ask *q,
                          struct err *err)
{
    return set_disabled(d, q, true, err);
}

static json_t *do_enable(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    return set_disabled(d, q, false, err);
}

static json_t *do_revoke(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    json_t *key = asked_live(d, q, err);

    if (!key)
        return NULL;
    if (key_revoke(d->store, id_of(key), err) == 0) {
        char id[KEY_ID_LEN + 1];

        snprintf(id, sizeof id, "%s", id_of(key));
        return changed(d, q, key, id, err);
    }
    json_decref(key);
    return NULL;
}

/** Until when the secrets before the new one are good. */
static int grace_end(const struct desk_ask *q, uint64_t *until,
                     struct err *err)
{
    const char *text = desk_text(q, "grace");
    uint64_t ms = 0;

    if (text && (!conf_duration(str_of(text), &ms) || ms > GRACE_MAX_MS))
        return err_at(err, ERR_CONFIG, "grace", "write \"24h\"; at most 90d");
    *until = clock_wall_ms() + ms;
    return 0;
}

static json_t *do_rotate(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    json_t *key = asked_live(d, q, err), *reply = NULL;
    char id[KEY_ID_LEN + 1], text[KEY_TEXT_LEN + 1];
    unsigned char sum[SHA256_BYTES];
    uint64_t until = 0;

    if (!key)
        return NULL;
    snprintf(id, sizeof id, "%s", id_of(key));
    if (grace_end(q, &until, err) != 0 || key_text_make(id, text, err) != 0) {
        json_decref(key);
        return NULL;
    }
    sha256(str_of(text), sum);
    if (key_add_secret(d->store, id, sum, until, err) == 0)
        reply = changed(d, q, key, id, err);
    else
        json_decref(key);
    if (reply)
        json_object_set_new(reply, "secret", json_string(text));
    explicit_bzero(text, sizeof text);
    return reply;
}

const struct desk_verb desk_keys[] = {
    { "key.create", ROLE_ADMIN, do_create, true },
    { "key.import", ROLE_ADMIN, do_import, true },
    { "key.list", ROLE_VIEWER, do_list, false },
    { "key.show", ROLE_VIEWER, do_show, false },
    { "key.update", ROLE_ADMIN, do_update, true },
    { "key.rotate", ROLE_OPERATOR, do_rotate, true },
    { "key.disable", ROLE_OPERATOR, do_disable, true },
    { "key.enable", ROLE_OPERATOR, do_enable, true },
    { "key.revoke", ROLE_ADMIN, do_revoke, true },
    { NULL, ROLE_ADMIN, NULL, false },
};
