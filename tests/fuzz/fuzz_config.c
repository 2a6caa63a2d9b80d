/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Any text as a configuration: it is refused with a reason, or its canonical
 * form, dumped and loaded again, is the same.
 */
#include "engine/config.h"
#include "engine/config_dump.h"
#include "policy/conf_lua.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config_paths paths;

static void find_paths(void)
{
    static char catalogue[1024], policies[1024];
    const char *src = getenv("PENSTOCK_SRC");

    snprintf(catalogue, sizeof catalogue, "%s/plugins/catalogue/vendors.json",
             src ? src : ".");
    snprintf(policies, sizeof policies, "%s/policies", src ? src : ".");
    paths = (struct config_paths){.shipped_policies = policies,
                                  .catalogue = catalogue,
                                  .static_only = true};
}

static json_t *canonical_of(struct str text)
{
    struct err err = {0};
    json_t *tree = conf_load_text(text, "penstock.conf", &err);
    json_t *canonical = tree ? config_check(tree, &paths, &err) : NULL;

    if (!canonical && (!err.code || !err.msg[0]))
        abort(); /* refused without a reason */
    json_decref(tree);
    return canonical;
}

static void must_equal(const json_t *canonical, struct str text)
{
    json_t *again = canonical_of(text);

    if (!again || !json_equal(canonical, again))
        abort();
    json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf dump = BUF_INIT(16 << 20);
    json_t *canonical;
    char *json;

    if (!paths.catalogue)
        find_paths();
    canonical = canonical_of((struct str){(const char *)data, size});
    if (canonical) {
        json = json_dumps(canonical, 0);
        if (!json || config_dump_text(canonical, NULL, &dump) < 0)
            abort();
        must_equal(canonical, str_of(json));
        must_equal(canonical, buf_str(&dump));
        free(json);
    }
    buf_clear(&dump);
    json_decref(canonical);
    return 0;
}
