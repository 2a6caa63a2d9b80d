/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What is made from config.def: help, the manual's list of keys, the LuaLS
 * stub, JSON Schema; and that the files in the repository are of today.
 */
#include "config_fixture.h"
#include "engine/config_help.h"

#include <lauxlib.h>
#include <lua.h>

/* A file of the repository; empty where it cannot be read. */
static void source(const char *name, struct buf *out)
{
    FILE *f = fopen(fixture_source(name), "r");
    char chunk[4096];
    size_t n;

    while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_put(out, (struct str){chunk, n});
    if (f)
        fclose(f);
}

static void help_of(const char *path, const char *want)
{
    struct buf out = BUF_INIT(1 << 20);
    struct err err = {0};

    if (config_help(str_of(path), &out, &err) < 0)
        buf_puts(&out, err.msg);
    if (str_find(buf_str(&out), str_of(want)) < 0)
        printf("\n%s: \"" STR_FMT "\" has no \"%s\"", path,
               STR_ARG(buf_str(&out)), want);
    CU_ASSERT(str_find(buf_str(&out), str_of(want)) >= 0);
    buf_clear(&out);
}

static void help(void)
{
    help_of("", "  provider     An account");
    help_of("provider", "provider \"name\" { ... }\n");
    help_of("provider", "  keys               \"client\" or a list, each a "
                        "table; optional\n");
    help_of("listen", "listen \"127.0.0.1:8080\" { ... }\n");
    help_of("model", "Values without a name are its targets.\n");
    help_of("provider.timeouts.connect",
            "connect: a duration, 1ms to 10m\ndefault: 5s; applies: live\n");
    help_of("timeouts.connect", "connect: a duration");
    help_of("provider.timeouts", "  first_event        a duration, 1ms to");
    help_of("provider", "  timeouts           a table; default: what "
                        "`defaults` says\n");
    help_of("server.workers", "\"auto\" or a whole number, 1 to 256\n"
                              "default: auto; applies: restart\n");
    help_of("log.level", "\"error\", \"warn\", \"info\", \"debug\"\n");
    help_of("tls.cert", "cert: an absolute path\nrequired");
    help_of("provder", "there is no 'provder'; did you mean 'provider'?");
    help_of("provider.timeout", "did you mean 'timeouts'?");
    help_of("state.x", "there is no 'x'");
}

static void the_manual_is_of_today(void)
{
    struct buf page = BUF_INIT(1 << 20), keys = BUF_INIT(1 << 20);

    source("docs/man/penstock.conf.5", &page);
    UNIT_INT(config_help_mdoc(&keys), 0);
    CU_ASSERT(buf_len(&keys) > 1000);
    if (str_find(buf_str(&page), buf_str(&keys)) < 0)
        printf("\ndocs/man/penstock.conf.5 is stale: run docs/generate");
    CU_ASSERT(str_find(buf_str(&page), buf_str(&keys)) > 0);
    buf_clear(&page);
    buf_clear(&keys);
}

static void the_stub_is_of_today(void)
{
    struct buf file = BUF_INIT(1 << 20), stub = BUF_INIT(1 << 20);
    lua_State *lua = luaL_newstate();

    source("sdk/lua/penstock.conf.lua", &file);
    UNIT_INT(config_help_stub(&stub), 0);
    if (!str_eq(buf_str(&file), buf_str(&stub)))
        printf("\nsdk/lua/penstock.conf.lua is stale: run docs/generate");
    CU_ASSERT_TRUE(str_eq(buf_str(&file), buf_str(&stub)));
    UNIT_INT(luaL_loadbufferx(lua, buf_str(&stub).p, buf_len(&stub), "=stub",
                              "t"), LUA_OK);
    lua_close(lua);
    buf_clear(&file);
    buf_clear(&stub);
}

/* Every $ref of the schema leads somewhere. */
static void follow(const json_t *defs, json_t *v, size_t *refs)
{
    const char *name = json_string_value(json_object_get(v, "$ref")), *key;
    json_t *item;
    size_t i;

    if (name) {
        CU_ASSERT_PTR_NOT_NULL(json_object_get(defs, strrchr(name, '/') + 1));
        ++*refs;
    }
    json_object_foreach(v, key, item)
        follow(defs, item, refs);
    json_array_foreach(v, i, item)
        follow(defs, item, refs);
}

static void schema(void)
{
    json_t *s = config_schema(), *defs = json_object_get(s, "$defs");
    size_t refs = 0;

    follow(defs, s, &refs);
    CU_ASSERT(refs > 50);
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];
        const json_t *scope =
            row->scope == SCOPE_top
                ? s
                : json_object_get(defs, conf_scopes[row->scope].name);

        CU_ASSERT_PTR_NOT_NULL(json_object_get(
            json_object_get(scope, "properties"), row->key));
    }
    json_decref(s);
}

/* What is shipped to be copied loads, but for its secrets and files. */
static void examples(void)
{
    static const char *const names[] = {"contrib/penstock.conf",
                                        "contrib/penstock.conf.example"};
    struct config_paths paths = fixture_paths();

    paths.static_only = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct err err = {0};
        json_t *tree = conf_load(fixture_source(names[i]), &err);
        json_t *canonical = tree ? config_check(tree, &paths, &err) : NULL;

        if (!canonical)
            printf("\n%s: %s", err.at, err.msg);
        CU_ASSERT_PTR_NOT_NULL(canonical);
        json_decref(canonical);
        json_decref(tree);
    }
    fixture_clear();
}

UNIT_MAIN("config_help", {"help", help},
          {"the manual is of today", the_manual_is_of_today},
          {"the stub is of today", the_stub_is_of_today}, {"schema", schema},
          {"examples", examples})
