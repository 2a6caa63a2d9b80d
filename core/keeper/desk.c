/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The table of verbs, who may, and the transaction around a change. */
#include "keeper/desk.h"

#include "keeper/key_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *do_audit(struct desk *d, const struct desk_ask *q,
                        struct err *err)
{
    json_int_t after = json_integer_value(json_object_get(q->ask, "after"));

    return audit_list(d->store, after > 0 ? (uint64_t)after : 0, err);
}

/* The backup is a change to nobody, but whoever has it has every digest. */
static json_t *do_backup(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    if (q->fd < 0)
        err_set(err, ERR_CONFIG, "backup wants a file to write to");
    else if (store_backup(d->store, q->fd, err) == 0 &&
             audit_add(d->store, q->who, "backup", "store", NULL, NULL,
                       err) == 0)
        return json_pack("{s:b}", "ok", 1);
    return NULL;
}

/* It has been done: targets and plugins are the master's. */
static json_t *do_target(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    const char *name = desk_text(q, "name");

    if (!name)
        err_set(err, ERR_CONFIG, "which one?");
    else if (audit_add(d->store, q->who, desk_text(q, "verb"), name, NULL,
                       NULL, err) == 0)
        return json_pack("{s:b}", "ok", 1);
    return NULL;
}

/* It is for the master to do; here it is known who may, and who wanted it. */
static json_t *do_generation(struct desk *d, const struct desk_ask *q,
                             struct err *err)
{
    json_int_t to = json_integer_value(json_object_get(q->ask, "to"));
    char what[48] = "the files";

    if (json_is_true(json_object_get(q->ask, "plan")))
        return json_pack("{s:b}", "ok", 1); /* changes nothing */
    if (to > 0)
        snprintf(what, sizeof what, "generation %lld", (long long)to);
    else if (strcmp(desk_text(q, "verb"), "rollback") == 0)
        snprintf(what, sizeof what, "the one before");
    if (audit_add(d->store, q->who, desk_text(q, "verb"), what, NULL, NULL,
                  err) != 0)
        return NULL;
    return json_pack("{s:b}", "ok", 1);
}

static json_t *do_look(struct desk *d, const struct desk_ask *q,
                       struct err *err)
{
    (void)d;
    (void)q;
    (void)err;
    return json_pack("{s:b}", "ok", 1);
}

static const struct desk_verb others[] = {
    { "generations", ROLE_VIEWER, do_look, false },
    { "reload", ROLE_OPERATOR, do_generation, false },
    { "rollback", ROLE_OPERATOR, do_generation, false },
    { "target.disable", ROLE_OPERATOR, do_target, false },
    { "target.drain", ROLE_OPERATOR, do_target, false },
    { "target.enable", ROLE_OPERATOR, do_target, false },
    { "plugin.release", ROLE_OPERATOR, do_target, false },
    { "audit.list", ROLE_OPERATOR, do_audit, false },
    { "backup", ROLE_ADMIN, do_backup, false },
    { NULL, ROLE_ADMIN, NULL, false },
};

static const struct desk_verb *find(const char *name)
{
    const struct desk_verb *tables[] = { desk_keys, desk_teams, others };

    for (size_t t = 0; name && t < sizeof tables / sizeof *tables; t++) {
        for (const struct desk_verb *v = tables[t]; v->name; v++) {
            if (strcmp(v->name, name) == 0)
                return v;
        }
    }
    return NULL;
}

bool desk_knows(const char *verb)
{
    return find(verb) != NULL;
}

const char *desk_text(const struct desk_ask *q, const char *name)
{
    return json_string_value(json_object_get(q->ask, name));
}

json_t *desk_fields(const struct desk_ask *q)
{
    static const char *const words[] = { "verb", "id", "sha256", "grace" };
    json_t *fields = json_copy(q->ask);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        json_object_del(fields, words[i]);
    return fields;
}

int desk_team_ok(struct desk *d, const char *name, struct err *err)
{
    int rc;

    for (size_t i = 0; i < d->config->n_teams; i++) {
        if (str_is(d->config->teams[i].name, name))
            return 0;
    }
    rc = team_parent(d->store, str_of(name), NULL, 0, err);
    if (rc < 0)
        return rc;
    return rc ? 0 : err_at(err, ERR_CONFIG, "team", "there is no team "
                           "'%.64s', neither here nor in the configuration",
                           name);
}

/* ---- doing it ---------------------------------------------------------- */

static void change(struct desk *d, const struct desk_verb *v,
                   const struct desk_ask *q, struct desk_answer *a)
{
    int rc = db_begin(d->store, &a->err);

    if (rc)
        return;
    a->reply = v->fn(d, q, &a->err);
    rc = db_end(d->store, a->reply ? 0 : -a->err.code, &a->err);
    if (rc && a->reply) {
        json_decref(a->reply);
        a->reply = NULL;
    }
    a->changed = a->reply != NULL;
}

void desk_do(struct desk *d, const struct desk_ask *q, struct desk_answer *a)
{
    static const char *const roles[] = { "viewer", "operator", "admin" };
    const struct desk_verb *v = find(desk_text(q, "verb"));

    *a = (struct desk_answer){ .reply = NULL };
    if (!v)
        err_set(&a->err, ERR_NOTFOUND, "there is no such verb");
    else if (q->role < v->role)
        err_set(&a->err, ERR_NOT_ALLOWED, "%s is for the role '%s'; yours is "
                "'%s'", v->name, roles[v->role], roles[q->role]);
    else if (!d->store)
        err_set(&a->err, ERR_AUTH_UNAVAILABLE,
                "the store of keys cannot be read now");
    else if (v->changes)
        change(d, v, q, a);
    else
        a->reply = v->fn(d, q, &a->err);
}
