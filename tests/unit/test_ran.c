/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What explain tells of policies: from the engine's run to the JSON. */
#include "policy_unit.h"

#include "flow/ran.h"
#include "policy/probe.h"

#include <jansson.h>

static struct ran_list list;
static struct arena *arena;

static void on_ran(void *req, const struct policy_ran *ran)
{
    (void)req;
    ran_add(&list, arena, ran, list.notes + (ran->verdict == POLICY_DENY));
}

static const struct policy_view view = { .field = fake_field,
                                         .header = fake_header,
                                         .note = fake_note,
                                         .ran = on_ran };

static json_t *told(void)
{
    struct buf b = BUF_INIT(1 << 20);
    json_t *v;

    ran_write(&list, &b);
    v = json_loadb(buf_str(&b).p, buf_len(&b), 0, NULL);
    if (!v)
        printf("\n" STR_FMT, STR_ARG(buf_str(&b)));
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    buf_clear(&b);
    return v;
}

/* Does the i-th entry say so, but for its time? */
static void expect(const json_t *all, size_t i, const char *want)
{
    json_t *v = json_deep_copy(json_array_get(all, i));
    char *text;

    CU_ASSERT(json_is_integer(json_object_get(v, "us")));
    json_object_del(v, "us");
    text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
    UNIT_STR(text, want);
    free(text);
    json_decref(v);
}

static void fake_prepare(struct fake *f)
{
    fake_init(f);
    f->run.view = &view;
    list = (struct ran_list){ .n = 0 };
    arena = f->arena;
}

static void what_policies_meant(void)
{
    struct fake f;
    json_t *all;

    fake_prepare(&f);
    fake_policy(&f, "idle", "return { api = 1, admit = function() end }");
    fake_policy(&f, "broken", "return { api = 1, fail = 'open', admit = "
                              "function() error('oops') end }");
    fake_policy(&f, "shy", "return { api = 1, admit = function() return "
                           "ps.deny('rate_limited') end }")->observe = true;
    fake_policy(&f, "firm", "return { api = 1, admit = function() return "
                            "ps.deny('x_no', 'no', { status = 422 }) end }");
    CU_ASSERT_FATAL(fake_open(&f, NULL));
    UNIT_INT(fake_run(&f, PHASE_ADMIT), POLICY_DONE);
    all = told();
    UNIT_INT(json_array_size(all), 4);
    expect(all, 0, "{\"phase\":\"admit\",\"policy\":\"idle\","
                   "\"verdict\":\"none\"}");
    expect(all, 1, "{\"fail\":\"open\",\"phase\":\"admit\","
                   "\"policy\":\"broken\",\"verdict\":\"failed\","
                   "\"what\":\"broken:1: oops\"}");
    expect(all, 2, "{\"mode\":\"observe\",\"notes\":[0],\"phase\":\"admit\","
                   "\"policy\":\"shy\",\"verdict\":\"deny\","
                   "\"what\":\"rate_limited\"}");
    expect(all, 3, "{\"notes\":[1],\"phase\":\"admit\",\"policy\":\"firm\","
                   "\"verdict\":\"deny\",\"what\":\"x_no\"}");
    json_decref(all);
    fake_clear(&f);
}

static void principals_are_named(void)
{
    struct fake f;
    json_t *all;

    fake_prepare(&f);
    fake_policy(&f, "a", "return { api = 1, authenticate = function() return "
                         "{ id = 'm\\\"e' } end }");
    CU_ASSERT_FATAL(fake_open(&f, NULL));
    UNIT_INT(fake_run(&f, PHASE_AUTHENTICATE), POLICY_DONE);
    all = told();
    expect(all, 0, "{\"phase\":\"authenticate\",\"policy\":\"a\","
                   "\"verdict\":\"principal\",\"what\":\"m\\\"e\"}");
    json_decref(all);
    fake_clear(&f);
}

/* Counted where a probe asks for it, and only what that policy ran. */
static void instructions(void)
{
    struct policy_probe probe = policy_probe_count();
    struct err err = { 0 };
    struct fake f;
    json_t *all;
    json_int_t few, many;

    fake_prepare(&f);
    fake_policy(&f, "few", "return { api = 1, admit = function() end }");
    fake_policy(&f, "many", "return { api = 1, admit = function() "
                            "for i = 1, 1000 do end end }");
    f.set = policy_set_probed(&f.config, &probe, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f.set);
    UNIT_INT(fake_run(&f, PHASE_ADMIT), POLICY_DONE);
    all = told();
    few = json_integer_value(
        json_object_get(json_array_get(all, 0), "instructions"));
    many = json_integer_value(
        json_object_get(json_array_get(all, 1), "instructions"));
    CU_ASSERT(few >= 1 && few < 10);
    CU_ASSERT(many > 1000 && many < 1100);
    json_decref(all);
    fake_clear(&f);
}

static void a_long_list_has_an_end(void)
{
    const struct policy_ran ran = { .policy = STR("p"), .ns = 1000 };
    json_t *all;

    list = (struct ran_list){ .n = 0 };
    arena = arena_new(1 << 20);
    all = told();
    UNIT_INT(json_array_size(all), 0);
    json_decref(all);
    for (int i = 0; i < RAN_MAX + 10; i++)
        ran_add(&list, arena, &ran, 0);
    all = told();
    UNIT_INT(json_array_size(all), RAN_MAX);
    json_decref(all);
    arena_free(arena);
}

/* The runs of a policy over an answer are one entry. */
static void pieces_of_an_answer(void)
{
    struct policy_ran a = { .policy = STR("a"), .phase = PHASE_OUTPUT,
                            .ns = 600 };
    struct policy_ran b = { .policy = STR("b"), .phase = PHASE_OUTPUT };
    json_t *all;

    list = (struct ran_list){ .n = 0 };
    arena = arena_new(1 << 16);
    for (uint32_t i = 0; i < 5000; i++) {
        ran_add(&list, arena, &a, i == 7 ? 1 : list.notes);
        ran_add(&list, arena, &b, list.notes);
    }
    b.verdict = POLICY_STOP;
    b.what = STR("content_filter");
    ran_add(&list, arena, &b, 2);
    all = told();
    UNIT_INT(json_array_size(all), 2);
    UNIT_INT(json_integer_value(json_object_get(json_array_get(all, 0),
                                                "us")), 3000);
    expect(all, 0, "{\"notes\":[0],\"phase\":\"output\",\"policy\":\"a\","
                   "\"verdict\":\"none\"}");
    expect(all, 1, "{\"phase\":\"output\",\"policy\":\"b\",\"verdict\":"
                   "\"stop\",\"what\":\"content_filter\"}");
    json_decref(all);
    arena_free(arena);
}

UNIT_MAIN("ran", { "pieces of an answer", pieces_of_an_answer },
          { "what policies meant", what_policies_meant },
          { "principals are named", principals_are_named },
          { "instructions", instructions },
          { "a long list has an end", a_long_list_has_an_end })
