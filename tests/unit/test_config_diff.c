/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What differs between two bundles, and what each difference asks for. */
#include "engine/config_diff.h"

#include "base/snapshot.h"

#include "unit.h"

#include <string.h>
#include <unistd.h>

struct part {
    const char *name, *text;
};

static struct snapshot *bundle(const struct part *parts, size_t n)
{
    struct err err = { 0 };
    struct snapshot_builder *b = snapshot_builder_new("config", 1, &err);
    struct snapshot *s;
    int fd;

    for (size_t i = 0; i < n; i++)
        UNIT_INT(snapshot_builder_add(b, str_of(parts[i].name),
                                      str_of(parts[i].text), &err), 0);
    fd = snapshot_builder_seal(b, &err);
    snapshot_builder_free(b);
    s = fd < 0 ? NULL : snapshot_open(fd, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    close(fd);
    return s;
}

#define BUNDLE(...) \
    bundle((const struct part[]){ __VA_ARGS__ }, \
           sizeof((const struct part[]){ __VA_ARGS__ }) / sizeof(struct part))

/** "change path applies;..." of what config_diff says. */
static const char *told(const struct snapshot *a, const struct snapshot *b,
                        struct config_diff *d)
{
    static char text[4096];
    struct err err = { 0 };
    json_t *v;
    size_t i;

    UNIT_INT(config_diff(a, b, d, &err), 0);
    *text = '\0';
    json_array_foreach(d->changes, i, v) {
        size_t n = strlen(text);

        snprintf(text + n, sizeof text - n, "%s %s %s;",
                 json_string_value(json_object_get(v, "change")),
                 json_string_value(json_object_get(v, "path")),
                 json_string_value(json_object_get(v, "applies")));
    }
    return text;
}

struct row {
    const char *from, *to, *want;
    enum conf_applies applies;
};

static void says_what_differs(void)
{
    static const struct row rows[] = {
        { "{}", "{}", "", CONF_LIVE },
        { "{\"provider\":{\"a\":{\"http2\":false}}}",
          "{\"provider\":{\"a\":{\"http2\":true}}}",
          "changed provider/a/http2 live;", CONF_LIVE },
        { "{\"provider\":{\"a\":{},\"b\":{}}}",
          "{\"provider\":{\"b\":{},\"c\":{}}}",
          "added provider/c live;removed provider/a live;", CONF_LIVE },
        { "{\"server\":{\"max_body\":1}}", "{\"server\":{\"max_body\":2}}",
          "changed server/max_body workers;", CONF_WORKERS },
        { "{\"server\":{\"workers\":1},\"listen\":{\"a\":{}}}",
          "{\"server\":{\"workers\":2},\"listen\":{\"b\":{}}}",
          "changed server/workers restart;added listen/b workers;"
          "removed listen/a workers;", CONF_RESTART },
        { "{\"policies\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
          "{\"policies\":[{\"name\":\"b\"},{\"name\":\"a\"}]}",
          "changed policies live;", CONF_LIVE },
        /* the order of tables is none */
        { "{\"model\":{\"a\":{},\"b\":{}}}", "{\"model\":{\"b\":{},\"a\":{}}}",
          "", CONF_LIVE },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct snapshot *a = BUNDLE({ "config", rows[i].from },
                                    { "secrets", "{}" });
        struct snapshot *b = BUNDLE({ "config", rows[i].to },
                                    { "secrets", "{}" });
        struct config_diff d;

        UNIT_STR(told(a, b, &d), rows[i].want);
        UNIT_INT(d.applies, rows[i].applies);
        CU_ASSERT_EQUAL(d.helpers, *rows[i].want != '\0');
        config_diff_clear(&d);
        snapshot_unref(a);
        snapshot_unref(b);
    }
}

static void sees_files_change(void)
{
    struct snapshot *a = BUNDLE({ "config", "{}" },
                                { "secrets", "{\"env X\":\"one\"}" },
                                { "policy/p", "return 1" },
                                { "cert/0/0", "PEM" });
    struct snapshot *b = BUNDLE({ "config", "{}" },
                                { "secrets", "{\"env X\":\"two\"}" },
                                { "policy/p", "return 2" },
                                { "cert/0/0", "PEM" });
    struct snapshot *c = BUNDLE({ "config", "{}" },
                                { "secrets", "{\"env X\":\"one\"}" },
                                { "policy/p", "return 3" },
                                { "cert/0/0", "MEP" });
    struct snapshot *e = BUNDLE({ "config", "{}" },
                                { "secrets", "{\"env X\":\"one\"}" },
                                { "policy/p", "return 4" },
                                { "cert/0/0", "MEP" });
    struct config_diff d;
    const char *text = told(a, b, &d);

    UNIT_STR(text, "changed secret env X live;changed policy/p live;");
    CU_ASSERT_PTR_NULL(strstr(text, "two"));
    CU_ASSERT_TRUE(d.helpers);
    config_diff_clear(&d);
    UNIT_STR(told(a, c, &d), "changed policy/p live;changed cert/0/0 live;");
    CU_ASSERT_TRUE(d.helpers); /* the keeper tells how long they last */
    config_diff_clear(&d);
    UNIT_STR(told(c, e, &d), "changed policy/p live;");
    CU_ASSERT_FALSE(d.helpers);
    config_diff_clear(&d);
    snapshot_unref(e);
    snapshot_unref(a);
    snapshot_unref(b);
    snapshot_unref(c);
}

static void cuts_what_is_long(void)
{
    struct snapshot *a = BUNDLE({ "config", "{}" }, { "secrets", "{}" });
    json_t *models = json_object(), *tree;
    char *text, name[300];
    struct snapshot *b;
    struct config_diff d;
    struct err err = { 0 };

    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%0290d", i);
        json_object_set_new(models, name, json_object());
    }
    tree = json_pack("{s:o}", "model", models);
    text = json_dumps(tree, 0);
    b = BUNDLE({ "config", text }, { "secrets", "{}" });
    UNIT_INT(config_diff(a, b, &d, &err), 0);
    CU_ASSERT_EQUAL(d.n, 300);
    CU_ASSERT_EQUAL(json_array_size(d.changes), CONFIG_CHANGES_MAX);
    CU_ASSERT_PTR_NOT_NULL(strstr(json_string_value(json_object_get(
                               json_array_get(d.changes, 0), "path")),
                           "..."));
    UNIT_INT(config_diff_add(&d, "plugin x", "changed", CONF_WORKERS), 0);
    UNIT_INT(d.applies, CONF_WORKERS);
    config_diff_clear(&d);
    snapshot_unref(a);
    snapshot_unref(b);
    free(text);
    json_decref(tree);
}

static void refuses_what_it_cannot_read(void)
{
    struct snapshot *a = BUNDLE({ "config", "{}" }, { "secrets", "{}" });
    struct snapshot *b = BUNDLE({ "config", "{" }, { "secrets", "{}" });
    struct config_diff d;
    struct err err = { 0 };

    UNIT_INT(config_diff(a, b, &d, &err), -ERR_CONFIG);
    CU_ASSERT_PTR_NULL(d.changes);
    snapshot_unref(a);
    snapshot_unref(b);
}

UNIT_MAIN("config_diff",
          { "says what differs in the trees", says_what_differs },
          { "sees files and secrets change", sees_files_change },
          { "cuts what is long", cuts_what_is_long },
          { "refuses what it cannot read", refuses_what_it_cannot_read })
