/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock policy list [-c FILE]`: which policy runs in which phase, and what
 * an error means there. Phases are the lines, in the order of a request;
 * policies the columns, in the order in which they are asked.
 */
#include "cli/config_file.h"
#include "cli/policy.h"
#include "engine/config_walk.h"
#include "policy/api_table.h"
#include "policy/describe.h"

#include <stdlib.h>
#include <string.h>

enum { PHASE_WIDTH = 14, NAMES = 256 };

struct row {
    struct str name;
    char path[2048];
    bool observe;
    json_t *endpoints; /* borrowed */
    struct policy_about about;
    struct err err; /* a shipped one that does not load without a conf */
};

struct table {
    const struct cli_ctx *ctx;
    struct config_file file; /* canonical NULL: the shipped ones */
    struct config config; /* names of services and Redis, no more */
    struct conf_service services[NAMES];
    struct conf_redis redis[NAMES];
    struct row *rows;
    size_t n, cap;
};

/* ---- collecting ------------------------------------------------------- */

static struct row *add_row(struct table *t, struct err *err)
{
    if (t->n == t->cap)
        return err_set(err, ERR_LIMIT, "more than %zu policies", t->cap), NULL;
    return &t->rows[t->n];
}

/* Members of conf that are secrets; their values are not looked at. */
static size_t stand_ins(const json_t *conf, struct conf_secret *list)
{
    const char *name;
    json_t *v;
    size_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)conf, name, v) {
        if (secret_is_ref(v) && n < NAMES)
            list[n++] = (struct conf_secret){
                str_of(name), { STR("policy list"), STR("no-secret-here") } };
    }
    return n;
}

/* Load the policy at row->path, with what the configuration says of it. */
static int look(struct table *t, struct row *row, const json_t *entry,
                struct err *err)
{
    struct buf source = BUF_INIT(POLICY_SOURCE_MAX);
    const json_t *conf = json_object_get(entry, "conf");
    struct conf_secret secrets[NAMES];
    char *text = conf ? json_dumps(conf, JSON_COMPACT) : NULL;
    struct conf_policy p = { .name = row->name, .path = str_of(row->path),
                             .conf = str_of(text) };
    const char *fail = json_string_value(json_object_get(entry, "fail"));
    int rc = policy_file_read(row->path, &source, err);

    if (rc == 0) {
        p.source = (struct str){ buf_str(&source).p, buf_len(&source) - 1 };
        p.fail = str_of(fail);
        p.secrets = secrets;
        p.n_secrets = stand_ins(conf, secrets);
        rc = policy_describe(&t->config, &p, &row->about, err);
    }
    free(text);
    buf_clear(&source);
    if (rc == 0)
        t->n++;
    return rc;
}

/* What policies may name while they load. */
static void declare(struct table *t)
{
    json_t *services = json_object_get(t->file.canonical, "service"), *v;
    json_t *redis = json_object_get(t->file.canonical, "redis");
    const char *name;
    size_t n = 0, m = 0;

    json_object_foreach(services, name, v) {
        if (n < NAMES)
            t->services[n++].name = str_of(name);
    }
    json_object_foreach(redis, name, v) {
        if (m < NAMES)
            t->redis[m++].name = str_of(name);
    }
    t->config.services = t->services;
    t->config.n_services = n;
    t->config.redis = t->redis;
    t->config.n_redis = m;
}

static int collect_configured(struct table *t, struct err *err)
{
    const struct config_paths paths = config_file_paths(&t->file);
    const json_t *all = json_object_get(t->file.canonical, "policies"), *p;
    int rc = 0;
    size_t i;

    declare(t);
    json_array_foreach(all, i, p) {
        const char *name = json_string_value(json_object_get(p, "name"));
        const char *mode = json_string_value(json_object_get(p, "mode"));
        struct row *row = add_row(t, err);

        if (!row)
            return -err->code;
        row->name = str_of(name);
        row->observe = mode && strcmp(mode, "observe") == 0;
        row->endpoints = json_object_get(p, "endpoints");
        if (!config_policy_find(t->file.canonical, &paths, name, row->path,
                                sizeof row->path))
            return err_set(err, ERR_CONFIG, "there is no policy \"%s\"; looked"
                           " for %s", name, row->path);
        rc = look(t, row, p, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int collect_shipped(struct table *t, struct policy_paths *found,
                           struct err *err)
{
    int rc = paths_find(&t->file.paths, NULL, err);

    if (rc == 0)
        rc = policy_paths_find(found, t->file.paths.policies, false, err);
    for (size_t i = 0; rc == 0 && i < found->n; i++) {
        struct row *row = add_row(t, err);

        if (!row)
            return -err->code;
        snprintf(row->path, sizeof row->path, "%s", found->list[i]);
        row->name = policy_name_of(found->list[i]);
        if (look(t, row, NULL, &row->err) != 0)
            t->n++; /* shown all the same, with the reason */
    }
    return rc;
}

/* ---- printing --------------------------------------------------------- */

static const char *cell(const struct row *row, int phase)
{
    if (!row->about.has[phase])
        return "-";
    return row->observe             ? "observe"
           : row->about.open[phase] ? "open"
                                    : "closed";
}

/* One line: the phase, and a cell for each policy, no blanks at the end. */
static void print_line(const struct table *t, int phase)
{
    const char *name = phase < 0 ? "phase"
                                 : phase_info((enum policy_phase)phase)->name;
    int pad = PHASE_WIDTH - (int)strlen(name);

    fputs(name, stdout);
    for (size_t i = 0; i < t->n; i++) {
        const struct row *row = &t->rows[i];
        int width = row->name.n > 7 ? (int)row->name.n : 7;
        struct str text = phase < 0 ? row->name : str_of(cell(row, phase));

        printf("%*s" STR_FMT, pad + 2, "", STR_ARG(text));
        pad = width - (int)text.n;
    }
    putchar('\n');
}

static void print_table(const struct table *t)
{
    print_line(t, -1);
    for (int p = 0; p < PHASE_COUNT; p++) {
        if (phase_info((enum policy_phase)p)->called)
            print_line(t, p);
    }
    if (t->file.canonical)
        printf("\nA request meets them from the top down, from left to right. "
               "closed: an error\nrefuses the request; open: it counts as no "
               "opinion; observe: notes only.\n");
    else
        printf("\nWhat ships, by name; a configuration says which of them run, "
               "and in which order\n(policy list -c FILE). closed: an error "
               "refuses the request; open: it counts as no\nopinion.\n");
    for (size_t i = 0; i < t->n; i++) {
        const struct row *row = &t->rows[i];

        printf("  " STR_FMT ": %s", STR_ARG(row->name), row->path);
        if (json_array_size(row->endpoints)) {
            printf(", for ");
            json_dumpf(row->endpoints, stdout, JSON_COMPACT);
        }
        if (row->err.code)
            printf(": not by itself: %s", row->err.msg);
        putchar('\n');
    }
}

static json_t *row_json(const struct row *row)
{
    json_t *phases = json_object(), *v;

    for (int p = 0; p < PHASE_COUNT; p++) {
        if (row->about.has[p])
            json_object_set_new(
                phases, phase_info((enum policy_phase)p)->name,
                json_string(row->about.open[p] ? "open" : "closed"));
    }
    v = json_pack("{s:s%, s:s, s:s, s:o, s:o}", "name", row->name.p,
                  row->name.n, "file", row->path, "mode",
                  row->observe ? "observe" : "enforce", "endpoints",
                  row->endpoints ? json_incref(row->endpoints) : json_array(),
                  "phases", phases);
    if (row->err.code)
        json_object_set_new(v, "error", json_string(row->err.msg));
    return v;
}

static void print_json(const struct table *t)
{
    json_t *phases = json_array(), *policies = json_array(), *all;

    for (int p = 0; p < PHASE_COUNT; p++) {
        if (phase_info((enum policy_phase)p)->called)
            json_array_append_new(
                phases, json_string(phase_info((enum policy_phase)p)->name));
    }
    for (size_t i = 0; i < t->n; i++)
        json_array_append_new(policies, row_json(&t->rows[i]));
    all = json_pack("{s:o, s:o}", "phases", phases, "policies", policies);
    json_dumpf(all, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(all);
}

int policy_list(int argc, char **argv, struct cli_ctx *ctx)
{
    struct table t = { .ctx = ctx, .cap = POLICY_FILES_MAX };
    struct policy_paths found = { NULL, 0 };
    struct err err = { 0 };
    int rc;

    if (argc != 1 && (argc != 3 || strcmp(argv[1], "-c") != 0))
        return cli_bad_usage(ctx, "'%s' is not known",
                             argv[argc > 3 ? 3 : 1]);
    t.file.path = argc == 3 ? argv[2] : NULL;
    t.file.static_only = true;
    t.rows = calloc(t.cap, sizeof *t.rows);
    if (!t.rows)
        return cli_refuse(ctx, "no memory");
    rc = t.file.path ? config_file_read(&t.file, &err) : 0;
    if (rc == 0)
        rc = t.file.path ? collect_configured(&t, &err)
                         : collect_shipped(&t, &found, &err);
    if (rc == 0 && ctx->json)
        print_json(&t);
    else if (rc == 0)
        print_table(&t);
    config_file_clear(&t.file);
    policy_paths_clear(&found);
    free(t.rows);
    return rc == 0 ? CLI_DONE : cli_refuse_err(ctx, &err);
}
