/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Which plugins a reload tries again. */
#include "app/loader_tried.h"

#include "base/snapshot.h"
#include "engine/config_diff.h"
#include "unit.h"

#include <unistd.h>

#define PROVIDER \
    "\"provider\":{\"a\":{\"plugin\":\"p\",\"settings\":{\"x\":1}}}"

static struct snapshot *bundle(const char *config, const char *policy)
{
    struct err err = { 0 };
    struct snapshot_builder *b = snapshot_builder_new("config", 1, &err);
    struct snapshot *s;
    int fd;

    snapshot_builder_add(b, STR("config"), str_of(config), &err);
    snapshot_builder_add(b, STR("secrets"), STR("{}"), &err);
    snapshot_builder_add(b, STR("policy/x"), str_of(policy), &err);
    fd = snapshot_builder_seal(b, &err);
    snapshot_builder_free(b);
    s = fd < 0 ? NULL : snapshot_open(fd, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    close(fd);
    return s;
}

static bool same(const char *config, const char *policy)
{
    struct loaded served = { .bundle = bundle("{" PROVIDER "}", "one") };
    struct snapshot *next = bundle(config, policy);
    bool yes = loader_same_providers(&served, next);

    snapshot_unref(served.bundle);
    snapshot_unref(next);
    return yes;
}

static void what_a_trial_is_given(void)
{
    struct loaded nothing = { 0 };
    struct snapshot *s = bundle("{" PROVIDER "}", "one");

    CU_ASSERT_TRUE(same("{" PROVIDER "}", "one"));
    CU_ASSERT_TRUE(same("{" PROVIDER "}", "two"));
    CU_ASSERT_TRUE(same("{" PROVIDER ",\"model\":{\"m\":{}}}", "two"));
    CU_ASSERT_FALSE(same("{\"provider\":{\"a\":{\"plugin\":\"p\","
                         "\"settings\":{\"x\":2}}}}", "one"));
    CU_ASSERT_FALSE(same("{" PROVIDER ",\"server\":{\"user\":\"u\"}}",
                         "one"));
    CU_ASSERT_FALSE(loader_same_providers(&nothing, s));
    CU_ASSERT_FALSE(loader_same_providers(NULL, s));
    snapshot_unref(s);
}

static bool same_with_models(int models)
{
    char text[1 << 14] = "{" PROVIDER ",\"model\":{";
    size_t n = strlen(text);

    for (int i = 0; i < models; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\"m%d\":{}",
                              i ? "," : "", i);
    snprintf(text + n, sizeof text - n, "}}");
    return same(text, "one");
}

/** More differs than is named: a provider may be among it. */
static void what_is_not_named_may_differ(void)
{
    CU_ASSERT_TRUE(same_with_models(CONFIG_CHANGES_MAX));
    CU_ASSERT_FALSE(same_with_models(CONFIG_CHANGES_MAX + 1));
}

static void the_file_is_the_same(void)
{
    struct loaded_plugin list[] = {
        { "p", "/state/plugins/p-1111.so", "1.0" },
        { "q", "/state/plugins/q-2222.so", "2.0" },
    };
    struct loaded served = { .plugins = list, .n_plugins = 2 };

    CU_ASSERT_PTR_EQUAL(loader_tried(&served, STR("q"), list[1].path),
                        &list[1]);
    CU_ASSERT_PTR_NULL(loader_tried(&served, STR("q"),
                                    "/state/plugins/q-3333.so"));
    CU_ASSERT_PTR_NULL(loader_tried(&served, STR("p"), list[1].path));
}

UNIT_MAIN("loader_tried",
          { "what a trial is given", what_a_trial_is_given },
          { "what is not named may differ", what_is_not_named_may_differ },
          { "the file is the same", the_file_is_the_same })
