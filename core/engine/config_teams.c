/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Teams above teams: each is there, none is above itself, and they are few,
 * for they are walked in each request. */
#include "engine/config_walk.h"
#include "engine/key_table.h"

static int parent(struct conf_walk *w, const json_t *teams, const char *name,
                  const json_t *team)
{
    const char *up = json_string_value(json_object_get(team, "parent"));
    int rc = 0;

    walk_member(w, "parent");
    if (up && !json_object_get(teams, up))
        rc = walk_no_such(w, "team", up, teams);
    for (int depth = 1; rc == 0 && up; depth++) {
        if (strcmp(up, name) == 0)
            rc = walk_fail(w, "\"%.64s\" is above itself", name);
        else if (depth >= KEY_TEAM_DEPTH)
            rc = walk_fail(w, "more than %d teams stand above each other",
                           KEY_TEAM_DEPTH);
        up = json_string_value(
            json_object_get(json_object_get(teams, up), "parent"));
    }
    walk_leave(w);
    return rc;
}

int walk_teams(struct conf_walk *w, json_t *canonical)
{
    const json_t *teams = json_object_get(canonical, "team");
    const char *name;
    json_t *team;
    int rc = 0;

    walk_member(w, "team");
    json_object_foreach((json_t *)(uintptr_t)teams, name, team) {
        if (rc)
            break;
        walk_named(w, name);
        rc = parent(w, teams, name, team);
        walk_leave(w);
    }
    walk_leave(w);
    return rc;
}
