/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What is taken of the catalogue's large files. */
#include "engine/config_walk.h"

#include "unit.h"

#include <unistd.h>

static char folder[64], vendors[128], prices[128];

static void make_folder(void)
{
    strcpy(folder, "/tmp/penstock-catalogue-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(vendors, sizeof vendors, "%s/vendors.json", folder);
    snprintf(prices, sizeof prices, "%s/prices.json", folder);
}

static void end_folder(void)
{
    unlink(prices);
    rmdir(folder);
}

static void put(const char *text)
{
    FILE *f = fopen(prices, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

/** With the provider "mine" of vendor "b", and "c" that is its own. */
static json_t *beside(struct err *err)
{
    json_t *canonical = json_pack("{s:{s:{s:s}, s:{s:s}, s:{}, s:{}}}",
                                  "provider", "mine", "vendor", "b", "also",
                                  "vendor", "b", "c", "none");
    json_t *out = config_beside(canonical, vendors, "prices.json", err);

    json_decref(canonical);
    return out;
}

static void same(const char *text, const char *want)
{
    struct err err = { 0 };
    json_t *got, *wanted = json_loads(want, 0, NULL);

    put(text);
    got = beside(&err);
    CU_ASSERT_PTR_NOT_NULL(got);
    CU_ASSERT_TRUE(json_equal(got, wanted));
    json_decref(got);
    json_decref(wanted);
}

static void takes_the_vendors_that_are_configured(void)
{
    make_folder();
    same("{\"about\": \"\", \"vendors\": {\"a\": {\"m\": {\"input\": 1}},"
         " \"b\": {\"m*\": {\"input\": 2.5, \"steps\": [{\"x\": \"\\u00e9\"}]}"
         "},\n \"c\": {}, \"d\": {\"x\": 1}}}",
         "{\"vendors\": {\"b\": {\"m*\": {\"input\": 2.5, \"steps\": "
         "[{\"x\": \"\\u00e9\"}]}}, \"c\": {}}}");
    same("{\"vendors\": {\"a\": {}}}", "{\"vendors\": {}}");
    same("{}", "{\"vendors\": {}}");
    same("{\"vendors\": [1]}", "{\"vendors\": {}}");
    end_folder();
}

static void says_what_is_wrong(void)
{
    struct err err = { 0 };

    make_folder();
    put("{\"vendors\": {\"a\": {},}}");
    CU_ASSERT_PTR_NULL(beside(&err));
    UNIT_INT(err.code, ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "the catalogue: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "/prices.json: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, ", at byte "));
    end_folder();
}

static void may_be_missing(void)
{
    struct err err = { 0 };
    json_t *got;

    make_folder();
    got = beside(&err);
    UNIT_INT(err.code, 0);
    UNIT_INT(json_is_object(got) && json_object_size(got) == 0, 1);
    json_decref(got);
    end_folder();
}

UNIT_MAIN("config_catalogue",
          { "takes the vendors that are configured",
            takes_the_vendors_that_are_configured },
          { "says what is wrong", says_what_is_wrong },
          { "may be missing", may_be_missing })
