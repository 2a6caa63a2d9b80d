/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A candidate's bundle to the workers, and what they saw of it. */
#include "app/shadow.h"

#include "app/master.h"
#include "app/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/snapshot.h"
#include "engine/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct shadowing *of(const struct master *m)
{
    return (struct shadowing *)(uintptr_t)&m->reload.shadow;
}

/* ---- to the workers ---------------------------------------------------- */

static void tell(const struct shadowing *s, struct post *p)
{
    bool runs = s->loaded.bundle != NULL;

    if (p->kind == PROC_WORKER && p->sock >= 0 && !p->leaving)
        message_send(p->sock, MSG_SHADOW, s->rate, STR_NULL,
                     runs ? s->loaded.fd : -1);
}

void shadow_greet(struct master *m, struct post *p)
{
    if (of(m)->loaded.bundle)
        tell(of(m), p);
}

static void tell_all(struct master *m)
{
    for (size_t i = 0; i < m->n_posts; i++)
        tell(of(m), &m->posts[i]);
}

void shadow_begin(struct master *m, struct loaded *l, struct buf *answer)
{
    struct shadowing *s = of(m);

    loaded_clear(&s->loaded);
    s->loaded = *l;
    *l = (struct loaded){ 0 };
    s->rate = s->asked_rate;
    s->since_ms = clock_mono_ms();
    s->failed[0] = '\0';
    json_decref(s->report);
    s->report = json_pack("{s:[], s:[]}", "rows", "samples");
    tell_all(m);
    log_event(EV_shadow_begun, LOG_Z("dir", s->dir),
              LOG_I("rate", (int64_t)s->rate));
    shadow_put(m, answer);
}

void shadow_end(struct master *m)
{
    struct shadowing *s = of(m);

    if (!s->loaded.bundle)
        return;
    loaded_clear(&s->loaded);
    tell_all(m);
    log_event(EV_shadow_ended, LOG_Z("dir", s->dir));
    json_decref(s->report);
    s->report = NULL;
}

void shadow_close(struct master *m)
{
    loaded_clear(&of(m)->loaded);
    json_decref(of(m)->report);
    of(m)->report = NULL;
}

/* ---- from the workers -------------------------------------------------- */

static const char *text_of(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));

    return s ? s : "";
}

static void add_number(json_t *to, const char *key, json_int_t n)
{
    json_int_t was = json_integer_value(json_object_get(to, key));

    json_object_set_new(to, key, json_integer(was + n));
}

static bool same_row(const json_t *a, const json_t *b)
{
    static const char *const keys[] = { "phase", "live", "candidate" };

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text_of(a, keys[i]), text_of(b, keys[i])) != 0)
            return false;
    }
    return true;
}

static void add_row(struct shadowing *s, json_t *row)
{
    json_t *rows = json_object_get(s->report, "rows"), *v;
    json_int_t n = json_integer_value(json_object_get(row, "n"));
    size_t i;

    json_array_foreach(rows, i, v) {
        if (same_row(v, row)) {
            add_number(v, "n", n);
            return;
        }
    }
    if (json_array_size(rows) < SHADOW_ROWS_KEPT)
        json_array_append(rows, row);
    else
        add_number(s->report, "more", n);
}

static void add(struct shadowing *s, json_t *got)
{
    json_t *samples = json_object_get(s->report, "samples"), *v;
    const char *key;
    size_t i;

    json_object_foreach(got, key, v) {
        if (json_is_integer(v))
            add_number(s->report, key, json_integer_value(v));
    }
    json_array_foreach(json_object_get(got, "rows"), i, v)
        add_row(s, v);
    json_array_foreach(json_object_get(got, "samples"), i, v) {
        if (json_array_size(samples) == SHADOW_SAMPLES_KEPT)
            json_array_remove(samples, 0);
        json_array_append(samples, v);
    }
}

void shadow_heard(struct master *m, struct post *p, struct message *msg)
{
    struct shadowing *s = of(m);
    json_t *got;

    if (p->kind != PROC_WORKER || !s->report)
        return;
    if (msg->number) { /* it cannot */
        snprintf(s->failed, sizeof s->failed, "worker %u: %.200s", p->slot,
                 msg->text);
        return;
    }
    got = json_loadb(msg->text, msg->size, 0, NULL);
    if (json_is_object(got))
        add(s, got);
    json_decref(got);
}

/* ---- the report -------------------------------------------------------- */

static const char *live_path(const struct master *m, struct str name,
                             const char *folder, char *out, size_t size)
{
    const struct config *c = m->config;

    for (size_t i = 0; i < c->n_policies; i++) {
        struct str at = c->policies[i].path;

        if (str_eq(c->policies[i].name, name) &&
            !str_starts(at, str_of(m->paths.policies))) {
            snprintf(out, size, STR_FMT, STR_ARG(at));
            return out;
        }
    }
    snprintf(out, size, "%s/" STR_FMT ".lua", folder, STR_ARG(name));
    return out;
}

/** A policy that is DIR's: from where, to where, and what it was. */
static json_t *file_json(const struct master *m, const struct conf_policy *p,
                         const char *folder)
{
    char to[PATHS_MAX * 2], hex[SHA256_HEX + 1];
    uint8_t digest[SHA256_BYTES];

    sha256(p->source, digest);
    hex_encode(digest, sizeof digest, hex);
    live_path(m, p->name, folder, to, sizeof to);
    return json_pack("{s:s%, s:s%, s:s, s:s}", "name", p->name.p, p->name.n,
                     "from", p->path.p, p->path.n, "to", to, "sha256", hex);
}

static json_t *files_json(const struct master *m)
{
    const struct shadowing *s = of(m);
    struct str text = snapshot_section(m->loaded.bundle, STR("config"));
    json_t *tree = json_loadb(text.p, text.n, 0, NULL), *list = json_array();
    const char *folder = text_of(tree, "policy_path");
    struct err err = { 0 };
    struct config *c = config_open(s->loaded.bundle, &err);
    size_t n = strlen(s->dir);

    for (size_t i = 0; c && i < c->n_policies; i++) {
        const struct conf_policy *p = &c->policies[i];

        if (p->path.n > n && memcmp(p->path.p, s->dir, n) == 0 &&
            p->path.p[n] == '/')
            json_array_append_new(list, file_json(
                m, p, *folder ? folder : PS_SYSCONFDIR "/policies"));
    }
    config_free(c);
    json_decref(tree);
    return list;
}

void shadow_put(const struct master *m, struct buf *out)
{
    const struct shadowing *s = of(m);
    json_t *all = s->report ? json_deep_copy(s->report) : json_object();
    char *text;

    json_object_set_new(all, "runs", json_boolean(s->loaded.bundle != NULL));
    if (s->loaded.bundle) {
        json_object_set_new(all, "dir", json_string(s->dir));
        json_object_set_new(all, "rate", json_integer(s->rate));
        json_object_set_new(all, "ms", json_integer((json_int_t)(
                                           clock_mono_ms() - s->since_ms)));
        json_object_set_new(all, "files", files_json(m));
        if (*s->failed)
            json_object_set_new(all, "cannot", json_string(s->failed));
    }
    text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    buf_puts(out, text ? text : "{}");
    free(text);
    json_decref(all);
}
