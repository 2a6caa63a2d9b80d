/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The rules between keys, on the canonical tree: what refers to what, who may
 * call, which files must be there. One function per rule, in a list.
 */
#include "engine/config_unit.h"
#include "engine/config_walk.h"
#include "engine/kept.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- folders ----------------------------------------------------------- */

static int rule_folders(struct conf_walk *w, json_t *canonical)
{
    const struct {
        const char *key, *folder;
    } folders[] = {
        {"state", w->paths->state},
        {"plugin_path", w->paths->plugins},
    };

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (!folders[i].folder || json_object_get(canonical, folders[i].key))
            continue;
        json_object_set_new(canonical, folders[i].key,
                            json_string(folders[i].folder));
        walk_member(w, folders[i].key);
        walk_why(w, "default");
        walk_leave(w);
    }
    return 0;
}

/* ---- server ------------------------------------------------------------ */

static int rule_marks(struct conf_walk *w, json_t *canonical)
{
    json_t *server = json_object_get(canonical, "server");
    const char *high_text = text_of(server, "high_water");
    uint64_t low, high;
    int rc = 0;

    walk_member(w, "server");
    walk_member(w, "low_water");
    if (high_text && text_of(server, "low_water") &&
        conf_size(str_of(text_of(server, "low_water")), &low) &&
        conf_size(str_of(high_text), &high) && low >= high)
        rc = walk_fail(w, "must be below high_water (%s)", high_text);
    walk_leave(w);
    walk_leave(w);
    return rc;
}

/* ---- listeners --------------------------------------------------------- */

static bool has_callers(const json_t *canonical)
{
    return config_has_store(canonical) ||
           json_object_size(json_object_get(canonical, "key")) ||
           json_object_size(json_object_get(canonical, "jwt")) ||
           json_object_size(json_object_get(canonical, "team"));
}

static int default_listen(struct conf_walk *w, json_t *canonical)
{
    json_t *all = json_object_get(canonical, "listen");

    if (json_object_size(all))
        return 0;
    if (json_object_set_new(canonical, "listen",
                            json_pack("{s:{s:s}}", "127.0.0.1:8080", "detail",
                                      "brief")) < 0)
        return err_set(w->err, ERR_NOMEM, "memory is out");
    walk_member(w, "listen");
    walk_named(w, "127.0.0.1:8080");
    walk_why(w, "default");
    walk_leave(w);
    walk_leave(w);
    return 0;
}

/* Who may call without a key: see "Open or closed" in the guide. */
static int anonymous(struct conf_walk *w, const char *address, json_t *listen,
                     bool callers)
{
    const char *said = text_of(listen, "anonymous");
    bool local = false;

    conf_address(str_of(address), &local);
    if (said && (strcmp(said, "local") != 0 || local || callers))
        return 0;
    if (!local && !callers)
        return walk_fail(w, "is reached from outside and no key is "
                         "configured; write key \"name\" { sha256 = \"...\" }, "
                         "or anonymous = \"public\" to let everybody in");
    json_object_set_new(listen, "anonymous",
                        json_string(callers ? "none" : "local"));
    walk_member(w, "anonymous");
    walk_why(w, "default");
    walk_leave(w);
    return 0;
}

int walk_readable(struct conf_walk *w, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    int rc = 0;

    if (fd < 0)
        return walk_fail(w, "cannot read %.200s: %m", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        rc = walk_fail(w, "%.200s is not a file", path);
    close(fd);
    return rc;
}

static int certificates(struct conf_walk *w, const json_t *list)
{
    int rc = 0;
    json_t *tls;
    size_t i;

    walk_member(w, "tls");
    json_array_foreach(list, i, tls) {
        if (rc < 0 || w->paths->static_only)
            break;
        walk_item(w, i);
        walk_member(w, "cert");
        rc = walk_readable(w, text_of(tls, "cert"));
        walk_leave(w);
        walk_member(w, "key");
        if (rc == 0)
            rc = walk_secret_at_hand(w, json_object_get(tls, "key"), true);
        walk_leave(w);
        walk_leave(w);
    }
    walk_leave(w);
    return rc;
}

static int rule_listen(struct conf_walk *w, json_t *canonical)
{
    bool callers =
        has_callers(canonical) || walk_authenticates(w, canonical);
    int rc = default_listen(w, canonical);
    const char *address;
    json_t *listen;

    walk_member(w, "listen");
    json_object_foreach(json_object_get(canonical, "listen"), address, listen) {
        if (rc < 0)
            break;
        walk_named(w, address);
        rc = anonymous(w, address, listen,
                       callers || json_object_get(listen, "client_ca"));
        if (rc == 0)
            rc = certificates(w, json_object_get(listen, "tls"));
        if (rc == 0)
            rc = walk_cors(w, json_object_get(listen, "cors"));
        if (rc == 0)
            rc = config_clients_rule(w, listen);
        walk_leave(w);
    }
    walk_leave(w);
    return rc;
}

/* ---- models ------------------------------------------------------------ */

static int target(struct conf_walk *w, const json_t *providers,
                  const char *model, const char *spec)
{
    const char *slash = strchr(spec, '/');
    char name[80];

    if (!slash)
        return walk_fail(w, "\"%.100s\" is not a target", spec);
    if (strchr(slash, '*') && !strchr(model, '*'))
        return walk_fail(w, "\"%.100s\" has a '*', but the model's name has "
                         "none; write the upstream model", spec);
    snprintf(name, sizeof name, "%.*s", (int)(slash - spec), spec);
    if (json_object_get(providers, name))
        return 0;
    return walk_no_such(w, "provider", name, providers);
}

static int targets(struct conf_walk *w, const json_t *canonical,
                   const char *model, json_t *list, bool *weighted)
{
    const json_t *providers = json_object_get(canonical, "provider");
    int rc = 0;
    json_t *t;
    size_t i;

    json_array_foreach(list, i, t) {
        const char *spec = text_of(t, "target");

        if (json_object_get(t, "weight"))
            *weighted = true;
        else
            json_object_set_new(t, "weight", json_integer(1));
        walk_item(w, i);
        walk_maybe(w, "target");
        rc = spec ? target(w, providers, model, spec) : 0;
        walk_leave(w);
        walk_leave(w);
        if (rc < 0)
            break;
    }
    return rc;
}

static int model(struct conf_walk *w, const json_t *canonical,
                 const char *name, json_t *m)
{
    bool weighted = false, ignored;
    int rc;

    walk_maybe(w, "targets");
    rc = targets(w, canonical, name, json_object_get(m, "targets"), &weighted);
    if (rc == 0 && json_array_size(json_object_get(m, "targets")) == 0)
        rc = walk_fail(w, "is empty; write \"provider/model\"");
    walk_leave(w);
    walk_member(w, "fallback");
    if (rc == 0)
        rc = targets(w, canonical, name, json_object_get(m, "fallback"),
                     &ignored);
    walk_leave(w);
    if (json_object_get(m, "balance"))
        return rc;
    json_object_set_new(m, "balance",
                        json_string(weighted ? "weighted" : "order"));
    walk_member(w, "balance");
    walk_why(w, "default");
    walk_leave(w);
    return rc;
}

static int rule_models(struct conf_walk *w, json_t *canonical)
{
    const char *name;
    int rc = 0;
    json_t *m;

    walk_member(w, "model");
    json_object_foreach(json_object_get(canonical, "model"), name, m) {
        walk_named(w, name);
        rc = model(w, canonical, name, m);
        walk_leave(w);
        if (rc < 0)
            break;
    }
    walk_leave(w);
    return rc;
}

/* ---- keys -------------------------------------------------------------- */

static int key(struct conf_walk *w, const json_t *teams, json_t *seen,
               const char *name, json_t *k)
{
    const char *team = text_of(k, "team"), *digest = text_of(k, "sha256");
    unsigned char bytes[32];
    char hex[65];
    int rc = 0;

    if (team && !json_object_get(teams, team)) {
        walk_member(w, "team");
        rc = walk_no_such(w, "team", team, teams);
        walk_leave(w);
        return rc;
    }
    if (!digest || !conf_sha256(str_of(digest), bytes))
        return 0;
    for (size_t i = 0; i < 32; i++) /* "AB" and "ab" are the same */
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    walk_member(w, "sha256");
    if (json_object_get(seen, hex))
        rc = walk_fail(w, "is that of key \"%.64s\" too", text_of(seen, hex));
    else
        json_object_set_new(seen, hex, json_string(name));
    walk_leave(w);
    return rc;
}

static int rule_keys(struct conf_walk *w, json_t *canonical)
{
    const json_t *teams = json_object_get(canonical, "team");
    json_t *seen = json_object(), *k;
    const char *name;
    int rc = 0;

    walk_member(w, "key");
    json_object_foreach(json_object_get(canonical, "key"), name, k) {
        walk_named(w, name);
        rc = key(w, teams, seen, name, k);
        walk_leave(w);
        if (rc < 0)
            break;
    }
    walk_leave(w);
    json_decref(seen);
    return rc;
}

/* ---- policies ---------------------------------------------------------- */

bool config_policy_find(const json_t *canonical,
                        const struct config_paths *paths, const char *name,
                        char *out, size_t out_size)
{
    const char *own = text_of(canonical, "policy_path");
    const char *folders[] = {paths->candidate,
                             own ? own : paths->policy_path,
                             paths->shipped_policies};
    struct buf tried = BUF_INIT(16384);
    char path[2048];
    bool found = false;

    if (paths->kept) {
        const char *was = kept_policy_path(paths->kept, name);

        snprintf(out, out_size, "%s", was ? was : "it in a kept bundle");
        return was != NULL;
    }
    for (size_t i = 0; i < 3 && !found; i++) {
        if (!folders[i])
            continue;
        snprintf(path, sizeof path, "%s/%s.lua", folders[i], name);
        found = access(path, R_OK) == 0;
        buf_printf(&tried, "%s%s", buf_len(&tried) ? " and " : "", path);
    }
    snprintf(out, out_size, STR_FMT, STR_ARG(buf_str(&tried)));
    if (found)
        snprintf(out, out_size, "%s", path);
    buf_clear(&tried);
    return found;
}

static int rule_policies(struct conf_walk *w, json_t *canonical)
{
    json_t *p, *seen = json_object();
    char where[300];
    int rc = 0;
    size_t i;

    walk_member(w, "policies");
    json_array_foreach(json_object_get(canonical, "policies"), i, p) {
        const char *name = text_of(p, "name");

        walk_item(w, i);
        if (!name)
            rc = 0;
        else if (json_object_get(seen, name))
            rc = walk_fail(w, "\"%s\" is listed twice", name);
        else if (!config_policy_find(canonical, w->paths, name, where,
                                     sizeof where))
            rc = walk_fail(w, "there is no policy \"%s\"; looked for %s", name,
                           where[0] ? where : "it in no folder");
        walk_leave(w);
        if (rc < 0)
            break;
        json_object_set_new(seen, name ? name : "", json_true());
    }
    walk_leave(w);
    json_decref(seen);
    return rc;
}

/* ---- endpoints --------------------------------------------------------- */

#define PATHS                                                              \
    "images|audio|moderations|rerank|files|batches|fine_tuning|assistants|" \
    "vector_stores|videos|containers|evals"

/* Keys that mean something at some endpoints only. */
static const struct {
    const char *key, *endpoints;
} meant_for[] = {
    {"max_body", "chat|completions|embeddings|messages|count_tokens|"
                 "responses|gemini|" PATHS},
    {"provider", PATHS "|responses"},
    {"anthropic_provider", "files|batches"},
    {"validate", "chat|completions|embeddings|messages|count_tokens|"
                 "responses|gemini"},
    {"lossy", "chat|completions|embeddings|messages|count_tokens|responses|"
              "gemini"}, /* what is translated */
    {"max_messages", "chat|messages|count_tokens|gemini"},
    {"max_tools", "chat|messages|count_tokens|responses|gemini"},
    {"max_images", "chat|messages|count_tokens|gemini"},
    {"max_tokens", "chat|completions|messages|responses|gemini"},
    {"max_tokens_over", "chat|completions|messages|responses|gemini"},
};

/* Given, and not as its default. */
static bool is_said(const json_t *e, const char *key)
{
    const char *usual = conf_row_find(SCOPE_endpoint, str_of(key))->def;
    const json_t *v = json_object_get(e, key);
    const char *text = json_string_value(v);

    return v && !(usual && text && strcmp(text, usual) == 0);
}

static int endpoint(struct conf_walk *w, const char *name, const json_t *e,
                    const json_t *providers)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < sizeof meant_for / sizeof *meant_for; i++) {
        const char *key = meant_for[i].key;

        if (!is_said(e, key))
            continue;
        walk_member(w, key);
        if (!str_is_among(str_of(name), meant_for[i].endpoints))
            rc = walk_fail(w, "means nothing here; it is for %s",
                           meant_for[i].endpoints);
        else if (strcmp(key, "max_tokens_over") == 0 &&
                 !json_object_get(e, "max_tokens"))
            rc = walk_fail(w, "means nothing without max_tokens");
        else if (strstr(key, "provider") &&
                 !json_object_get(providers,
                                  json_string_value(json_object_get(e, key))))
            rc = walk_no_such(w, "provider",
                              json_string_value(json_object_get(e, key)),
                              providers);
        walk_leave(w);
    }
    return rc;
}

static int rule_endpoints(struct conf_walk *w, json_t *canonical)
{
    const char *name;
    json_t *e;
    int rc = 0;

    walk_member(w, "endpoint");
    json_object_foreach(json_object_get(canonical, "endpoint"), name, e) {
        walk_named(w, name);
        rc = endpoint(w, name, e, json_object_get(canonical, "provider"));
        walk_leave(w);
        if (rc < 0)
            break;
    }
    walk_leave(w);
    return rc;
}

int walk_rules(struct conf_walk *w, json_t *canonical)
{
    static int (*const rules[])(struct conf_walk *, json_t *) = {
        rule_folders, rule_marks, walk_providers, rule_models, walk_on,
        walk_teams,   rule_keys,    rule_listen, rule_policies,  walk_outside,
        walk_jwts,    rule_endpoints, walk_admin, walk_addresses,
        walk_prices,  walk_abilities, walk_reload,  walk_alerts, walk_idle,
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof rules / sizeof rules[0]; i++)
        rc = rules[i](w, canonical);
    return rc;
}
