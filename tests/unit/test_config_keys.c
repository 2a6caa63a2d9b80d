/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Every key of config.def broken once: the fault names file and line, the
 * path, and the right spelling. A key without a row here fails the test.
 */
#include "config_fixture.h"
#include "engine/config_table.h"

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define PROVIDER "provider 'p' { vendor = 'sim',\n"
#define MODEL "model 'm' { targets = 'sim/x',\n"
#define JWT "jwt 'j' { issuer = 'https://i', audience = 'a',\n"
#define POLICIES "policies { 'auth', 'jwt', 'route' }"
#define SERVICE "service 's' { url = 'https://h',\n"
#define REDIS "redis 'r' { url = 'redis://h',\n"
#define ADMIN "admin '127.0.0.1:9' {\n"
#define KEY "key 'k' { sha256 = '" SHA "',\n"

/* `text` follows the line `provider "sim"`; `line` is where it is broken. */
static const struct broken {
    const char *scope, *key, *text;
    int line;
    const char *says;
} rows[] = {
#include "config_keys.def"
};

static bool is_row(const struct broken *b, const struct conf_row *row)
{
    return strcmp(b->key, row->key) == 0 &&
           strcmp(b->scope, conf_scopes[row->scope].name) == 0;
}

static void each_key_has_a_row(void)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        bool found = false;

        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
            found = found || is_row(&rows[k], &conf_rows[i]);
        if (!found)
            printf("\nno broken %s.%s in this table",
                   conf_scopes[conf_rows[i].scope].name, conf_rows[i].key);
        CU_ASSERT_TRUE(found);
    }
}

static void each_row_is_told(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024], at[64];
        json_t *canonical;
        struct err err;

        snprintf(text, sizeof text, "provider 'sim'\n%s\n", rows[i].text);
        snprintf(at, sizeof at, "penstock.conf:%d", rows[i].line);
        canonical = fixture_check(text, &err);
        if (canonical || !strstr(err.msg, rows[i].says))
            printf("\n%s.%s: \"%s\" does not say \"%s\"", rows[i].scope,
                   rows[i].key, err.msg, rows[i].says);
        CU_ASSERT_PTR_NULL(canonical);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i].says));
        if (strcmp(err.at, at) != 0)
            printf("\n%s.%s:", rows[i].scope, rows[i].key);
        UNIT_STR(err.at, at);
        UNIT_INT(err.code, ERR_CONFIG);
        json_decref(canonical);
    }
    fixture_clear();
}

/* A table of the repository is right by itself. */
static void table_is_sound(void)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];

        CU_ASSERT_PTR_EQUAL(conf_row_find(row->scope, str_of(row->key)), row);
        CU_ASSERT(row->help[0] && row->help[strlen(row->help) - 1] == '.');
        if (row->type == CONF_OBJECT)
            CU_ASSERT(conf_row_scope(row) < SCOPE_COUNT);
    }
    for (int i = 0; i < SCOPE_COUNT; i++) {
        const char *sugar = conf_scopes[i].positional;

        CU_ASSERT(!sugar || conf_row_find((enum conf_scope_id)i,
                                          str_of(sugar)) != NULL);
    }
}

UNIT_MAIN("config_keys", {"table is sound", table_is_sound},
          {"each key has a row", each_key_has_a_row},
          {"each row is told", each_row_is_told})
