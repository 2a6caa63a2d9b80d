/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The admin listener and the store of keys: rules and structs. */
#include "engine/config_open.h"
#include "engine/config_unit.h"
#include "engine/config_walk.h"

static json_t *the_admin(const json_t *canonical, const char **address)
{
    json_t *all = json_object_get(canonical, "admin");
    void *first = json_object_iter(all);

    if (!first)
        return NULL;
    if (address)
        *address = json_object_iter_key(first);
    return json_object_iter_value(first);
}

bool config_has_store(const json_t *canonical)
{
    const json_t *keys = json_object_get(canonical, "keys");

    return json_is_true(json_object_get(keys, "store")) ||
           the_admin(canonical, NULL);
}

/* `token = x` is short for one token with every right. */
static int unfold(struct conf_walk *w, json_t *admin)
{
    json_t *token = json_object_get(admin, "token"), *list;

    if (!token && json_array_size(json_object_get(admin, "tokens")))
        return 0;
    if (!token)
        return walk_fail(w, "lets nobody in; write token = file "
                         "\"/run/secrets/penstock-admin\"");
    if (json_object_get(admin, "tokens"))
        return walk_fail(w, "has token and tokens; write one of them");
    list = json_pack("[{s:O, s:s, s:s}]", "token", token, "name", "admin",
                     "role", "admin");
    json_object_del(admin, "token");
    return list && json_object_set_new(admin, "tokens", list) == 0
               ? 0 : err_set(w->err, ERR_NOMEM, "memory is out");
}

static int at_hand(struct conf_walk *w, const json_t *tokens)
{
    json_t *t;
    size_t i;
    int rc = 0;

    walk_member(w, "tokens");
    json_array_foreach(tokens, i, t) {
        if (rc == 0)
            rc = walk_secret_at_hand(w, json_object_get(t, "token"), false);
    }
    walk_leave(w);
    return rc;
}

int walk_admin(struct conf_walk *w, json_t *canonical)
{
    const char *address;
    json_t *admin = the_admin(canonical, &address);
    bool local = false;
    int rc;

    if (!admin)
        return 0;
    walk_member(w, "admin");
    walk_named(w, address);
    conf_address(str_of(address), &local);
    if (json_object_size(json_object_get(canonical, "admin")) > 1)
        rc = walk_fail(w, "is given twice; there is one admin listener");
    else if (!local)
        rc = walk_fail(w, "is reached from outside, and it is plain HTTP; "
                       "write 127.0.0.1 or unix:/path, and let what ends TLS "
                       "for you stand before it");
    else
        rc = unfold(w, admin);
    if (rc == 0)
        rc = at_hand(w, json_object_get(admin, "tokens"));
    walk_leave(w);
    walk_leave(w);
    return rc;
}

void open_admin(struct opener *o, struct config *c)
{
    struct conf_admin *a = &c->admin;
    const char *address = NULL;
    const json_t *list = json_object_get(the_admin(o->root, &address),
                                         "tokens");
    char number[24];

    a->keys_store = config_has_store(o->root);
    if (!address)
        return;
    a->address = open_dup(o, address);
    a->tokens = open_array(o, json_array_size(list), sizeof *a->tokens,
                           &a->n_tokens);
    for (size_t i = 0; i < a->n_tokens; i++) {
        const json_t *v = json_array_get(list, i);

        a->tokens[i].name = open_text(o, v, "name");
        snprintf(number, sizeof number, "%zu", i + 1);
        if (!a->tokens[i].name.n)
            a->tokens[i].name = open_dup(o, number);
        a->tokens[i].role = (enum role)open_choice(v, "role", ROLE_WORDS);
        open_secret(o, &a->tokens[i].token, json_object_get(v, "token"));
    }
}
