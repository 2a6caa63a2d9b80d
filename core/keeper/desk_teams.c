/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The verbs of teams. A team's parents are in the store; the topmost may be
 * one of the configuration. */
#include "keeper/desk.h"

#include "engine/key_table.h"
#include "keeper/key_record.h"

#include <stdio.h>

static const char *name_in(const json_t *fields, const char *member)
{
    return json_string_value(json_object_get(fields, member));
}

/* Upwards from the parent: it must end, in time, and not at this team. */
static int parents_ok(struct desk *d, const json_t *fields, struct err *err)
{
    const char *own = name_in(fields, "name");
    char at[RECORD_NAME_MAX + 1], next[RECORD_NAME_MAX + 1];
    const char *parent = name_in(fields, "parent");
    int rc = 1;

    if (!parent)
        return 0;
    rc = desk_team_ok(d, parent, err);
    snprintf(at, sizeof at, "%s", parent);
    for (int depth = 2; !rc && *at; depth++) {
        if (strcmp(at, own) == 0)
            return err_at(err, ERR_CONFIG, "parent", "'%s' would be above "
                          "itself", own);
        if (depth > KEY_TEAM_DEPTH)
            return err_at(err, ERR_CONFIG, "parent", "more than %d teams "
                          "above each other", KEY_TEAM_DEPTH);
        next[0] = '\0';
        rc = team_parent(d->store, str_of(at), next, sizeof next, err);
        rc = rc < 0 ? rc : 0;
        snprintf(at, sizeof at, "%s", next);
    }
    return rc;
}

static bool is_configured(struct desk *d, const char *name)
{
    for (size_t i = 0; i < d->config->n_teams; i++) {
        if (str_is(d->config->teams[i].name, name))
            return true;
    }
    return false;
}

/** Check, write, audit. `before` and `fields` are taken. */
static json_t *put(struct desk *d, const struct desk_ask *q, json_t *before,
                   json_t *fields, struct err *err)
{
    json_t *ok = record_check("team", fields, err), *after = NULL;
    int rc = ok ? parents_ok(d, ok, err) : -err->code;

    if (!rc)
        rc = team_put(d->store, ok, err);
    if (!rc)
        after = team_find(d->store, name_in(ok, "name"), err);
    if (after &&
        audit_add(d->store, q->who, desk_text(q, "verb"),
                  name_in(ok, "name"), before, after, err) != 0) {
        json_decref(after);
        after = NULL;
    }
    json_decref(ok);
    json_decref(fields);
    json_decref(before);
    return after ? json_pack("{s:o}", "team", after) : NULL;
}

static json_t *do_create(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    const char *name = desk_text(q, "name");
    int rc = name ? team_parent(d->store, str_of(name), NULL, 0, err) : 0;

    if (rc < 0)
        return NULL;
    if (rc == 1 || (name && is_configured(d, name))) {
        err_at(err, ERR_EXISTS, "name", "there is a team of that name%s",
               rc == 1 ? "" : " in the configuration, and it wins");
        return NULL;
    }
    return put(d, q, NULL, desk_fields(q), err);
}

static json_t *asked(struct desk *d, const struct desk_ask *q,
                     struct err *err)
{
    const char *name = desk_text(q, "id");

    if (name)
        return team_find(d->store, name, err);
    err_set(err, ERR_CONFIG, "which team? Give its name");
    return NULL;
}

static json_t *do_update(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    json_t *team = asked(d, q, err), *fields, *given, *v;
    const char *name;
    void *tmp;

    if (!team)
        return NULL;
    fields = json_copy(team);
    given = desk_fields(q);
    json_object_del(given, "name");
    json_object_update(fields, given);
    json_decref(given);
    json_object_del(fields, "created");
    json_object_del(fields, "changed");
    json_object_foreach_safe(fields, tmp, name, v) {
        if (json_is_null(v))
            json_object_del(fields, name);
    }
    return put(d, q, team, fields, err);
}

static json_t *do_list(struct desk *d, const struct desk_ask *q,
                       struct err *err)
{
    (void)q;
    return team_list(d->store, err);
}

static json_t *do_show(struct desk *d, const struct desk_ask *q,
                       struct err *err)
{
    json_t *team = asked(d, q, err);

    return team ? json_pack("{s:o}", "team", team) : NULL;
}

static json_t *do_delete(struct desk *d, const struct desk_ask *q,
                         struct err *err)
{
    json_t *team = asked(d, q, err);
    int rc = team ? team_delete(d->store, name_in(team, "name"), err)
                  : -err->code;

    if (!rc)
        rc = audit_add(d->store, q->who, "team.delete", name_in(team, "name"),
                       team, NULL, err);
    if (!rc)
        return json_pack("{s:o}", "team", team);
    json_decref(team);
    return NULL;
}

const struct desk_verb desk_teams[] = {
    { "team.create", ROLE_ADMIN, do_create, true },
    { "team.list", ROLE_VIEWER, do_list, false },
    { "team.show", ROLE_VIEWER, do_show, false },
    { "team.update", ROLE_ADMIN, do_update, true },
    { "team.delete", ROLE_ADMIN, do_delete, true },
    { NULL, ROLE_ADMIN, NULL, false },
};
