/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Keys that nothing reads in their place. */
#include "cli/check_idle.h"

#include "base/str.h"
#include "engine/config_walk.h"

#include <stdio.h>
#include <string.h>

struct look {
    const struct config_file *f;
    json_t *notes;
    const char *kind, *name; /* of the block; a name may be NULL */
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s ? s : "";
}

/** Where `pointer` of the block was written; NULL: it is filled in. */
static const char *place_of(const struct look *l, const char *pointer)
{
    char at[400];
    const char *place;

    config_file_pointer(l->kind, l->name, pointer, at, sizeof at);
    place = text_of(l->f->why, at);
    return strchr(place, ':') ? place : NULL;
}

/** Of a key of the block, its pointer there, as it is shown. */
static void note(struct look *l, const char *pointer, const char *key,
                 const char *why)
{
    const char *place = place_of(l, pointer);
    char shown[256];

    if (l->name)
        snprintf(shown, sizeof shown, "%s \"%.120s\" %s", l->kind, l->name,
                 key);
    else
        snprintf(shown, sizeof shown, "%s %s", l->kind, key);
    json_array_append_new(
        l->notes, json_pack("{s:s, s:s, s:s}", "at", place ? place : l->f->path,
                            "key", shown, "note", why));
}

/* ---- keys that are fetched ---------------------------------------------- */

/* Which sources read which key: the tables of keeper/fetch_*.c. What all of
 * a kind read is left out. */
static const struct {
    const char *kind, *key, *sources;
} reads[] = {
    { "google", "account", "default|account" },
    { "google", "scope", "default|account" },
    { "aws", "profile", "default|profile" },
    { "aws", "file", "default|profile" },
    { "aws", "config_file", "default|profile" },
    { "aws", "programs", "default|profile" },
    { "aws", "role", "default|web_identity" },
    { "aws", "token_file", "default|web_identity" },
    { "aws", "region", "default|web_identity|profile" },
    { "entra", "secret", "default|secret" },
    { "entra", "token_file", "default|workload" },
    { "entra", "tenant", "default|secret|workload" },
};

static void look_at_key(struct look *l, const json_t *credential, size_t i)
{
    for (size_t k = 0; k < sizeof reads / sizeof *reads; k++) {
        const json_t *of = json_object_get(credential, reads[k].kind);
        const json_t *v = json_object_get(of, reads[k].key);
        const char *source = text_of(of, "source");
        char at[64], key[64], why[160];

        if (!v || json_is_false(v) ||
            str_is_among(str_of(source), reads[k].sources))
            continue;
        snprintf(at, sizeof at, "keys/%zu/%s/%s", i, reads[k].kind,
                 reads[k].key);
        if (!place_of(l, at)) /* its default */
            continue;
        snprintf(key, sizeof key, "keys[%zu].%s.%s", i + 1, reads[k].kind,
                 reads[k].key);
        snprintf(why, sizeof why, "is not read with source = \"%s\", but with "
                 "%s", source, reads[k].sources);
        note(l, at, key, why);
    }
}

/* ---- providers ---------------------------------------------------------- */

static void look_at_provider(struct look *l, const json_t *p)
{
    const json_t *credential;
    size_t i;

    if (json_object_get(p, "proxy") && json_object_get(p, "unix_socket"))
        note(l, "proxy", "proxy", "is not used: unix_socket leads past it");
    if (json_object_get(p, "ca_file") &&
        json_is_true(json_object_get(p, "insecure")))
        note(l, "ca_file", "ca_file", "is not looked at: insecure = true "
             "believes every certificate");
    if (json_is_true(json_object_get(p, "http2")) && walk_is_plain(p))
        note(l, "http2", "http2", "is not offered: it takes a base_url with "
             "https://");
    json_array_foreach(json_object_get(p, "keys"), i, credential)
        look_at_key(l, credential, i);
}

/* ---- models ------------------------------------------------------------- */

static void look_at_weights(struct look *l, const json_t *m, const char *list,
                            const char *why)
{
    const json_t *t;
    char at[64], key[64];
    size_t i;

    json_array_foreach(json_object_get(m, list), i, t) {
        if (json_integer_value(json_object_get(t, "weight")) == 1)
            continue;
        snprintf(at, sizeof at, "%s/%zu/weight", list, i);
        snprintf(key, sizeof key, "%s[%zu].weight", list, i + 1);
        note(l, at, key, why);
    }
}

/* By affinity a conversation's target is drawn by weight, whatever the
 * balance. */
static void look_at_model(struct look *l, const json_t *m)
{
    if (strcmp(text_of(m, "balance"), "order") == 0 &&
        strcmp(text_of(m, "affinity"), "none") == 0)
        look_at_weights(l, m, "targets", "decides nothing with balance = "
                        "\"order\" (policies see it)");
    look_at_weights(l, m, "fallback", "decides nothing: these are tried in "
                    "their order (policies see it)");
}

/* ---- the queue ---------------------------------------------------------- */

static void look_at_queue(struct look *l, const json_t *queue)
{
    static const char *const keys[] = { "length", "memory", "target",
                                        "interval" };

    if (strcmp(text_of(queue, "max_wait"), "0s") != 0)
        return;
    l->kind = "queue";
    l->name = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (place_of(l, keys[i]))
            note(l, keys[i], keys[i], "means nothing with max_wait = \"0s\": "
                 "nobody waits");
    }
}

void check_idle(const struct config_file *f, json_t *notes)
{
    struct look l = { .f = f, .notes = notes, .kind = "provider" };
    json_t *v;

    json_object_foreach(json_object_get(f->canonical, l.kind), l.name, v)
        look_at_provider(&l, v);
    l.kind = "model";
    json_object_foreach(json_object_get(f->canonical, l.kind), l.name, v)
        look_at_model(&l, v);
    look_at_queue(&l, json_object_get(f->canonical, "queue"));
}
