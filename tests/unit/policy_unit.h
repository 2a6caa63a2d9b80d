/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request for policies without a flow: fields in a table, notes in a list,
 * one policy or several from text.
 */
#ifndef PENSTOCK_POLICY_UNIT_H
#define PENSTOCK_POLICY_UNIT_H

#include "unit.h"

#include "policy/policy.h"

#include <time.h>

struct fake {
    struct policy_value fields[FIELD_COUNT];
    char notes[4096];
    int wakes;
    struct arena *arena;
    struct policy_run run;
    struct policy_result out;
    struct policy_set *set;
    struct config config;
    struct conf_policy policies[4];
    struct conf_key keys[2];
};

static inline void fake_field(void *req, enum policy_field f,
                              struct policy_value *out)
{
    *out = ((struct fake *)req)->fields[f];
}

static inline struct str fake_header(void *req, struct str name)
{
    (void)req;
    return str_is(name, "x-team") ? STR("blue") : STR_NULL;
}

static inline void fake_note(void *req, struct str policy, struct str text)
{
    struct fake *f = req;
    size_t n = strlen(f->notes);

    snprintf(f->notes + n, sizeof f->notes - n, STR_FMT ": " STR_FMT "\n",
             STR_ARG(policy), STR_ARG(text));
}

static inline void fake_wake(void *req)
{
    ((struct fake *)req)->wakes++;
}

static const struct policy_view fake_view = { .field = fake_field,
                                              .header = fake_header,
                                              .note = fake_note };

static inline struct policy_value text_value(const char *z)
{
    return (struct policy_value){ VALUE_STRING, str_of(z), 0 };
}

/** Add a policy of that text before fake_open. */
static inline struct conf_policy *fake_policy(struct fake *f, const char *name,
                                              const char *source)
{
    struct conf_policy *p = &f->policies[f->config.n_policies++];

    *p = (struct conf_policy){ .name = str_of(name), .path = str_of(name),
                               .source = str_of(source) };
    f->config.policies = f->policies;
    return p;
}

static inline void fake_init(struct fake *f)
{
    memset(f, 0, sizeof *f);
    f->arena = arena_new(1 << 20);
    f->fields[FIELD_ID] = text_value("r-1");
    f->fields[FIELD_ENDPOINT] = text_value("chat");
    f->fields[FIELD_MODEL] = (struct policy_value){ .type = VALUE_NOT_YET };
    f->fields[FIELD_STREAM] = (struct policy_value){ .type = VALUE_BOOL };
    f->run = (struct policy_run){ .req = f, .view = &fake_view,
                                  .arena = f->arena, .endpoint = STR("chat"),
                                  .wake = fake_wake };
}

/** Load; false prints why (and leaves it in *err when that is given). */
static inline bool fake_open(struct fake *f, struct err *err)
{
    struct err own = { 0 };

    f->set = policy_set_new(&f->config, err ? err : &own);
    if (!f->set && !err)
        printf("\npolicy refused: %s: %s", own.at, own.msg);
    return f->set != NULL;
}

static inline void fake_clear(struct fake *f)
{
    policy_set_free(f->set);
    arena_free(f->arena);
}

static inline int fake_run(struct fake *f, enum policy_phase p)
{
    return policy_run(f->set, p, &f->run, &f->out);
}

/** Load a policy whose request() is that body, and run it; what it gave to
 * show() or ps.note is the result, each in a line "p: ...". */
static inline const char *fake_ran(struct fake *f, const char *body)
{
    static char source[8192];

    snprintf(source, sizeof source,
             "local function show(...)\n"
             "  local t = table.pack(...)\n"
             "  for i = 1, t.n do t[i] = tostring(t[i]) end\n"
             "  ps.note(table.concat(t, ' '))\n"
             "end\n"
             "return { api = 1, request = function(req, conf)\n%s\nend }",
             body);
    fake_policy(f, "p", source);
    if (!fake_open(f, NULL))
        return "";
    fake_run(f, PHASE_REQUEST);
    return f->notes;
}

/** In a policy of its own. */
static inline void fake_shows(const char *body, const char *want)
{
    struct fake f;

    fake_init(&f);
    if (strcmp(fake_ran(&f, body), want) != 0)
        printf("\n%s", body);
    UNIT_STR(f.notes, want);
    fake_clear(&f);
}

/** It raises, fails closed, and the reason has that part. */
static inline void fake_fails(const char *body, const char *part)
{
    struct fake f;

    fake_init(&f);
    if (!strstr(fake_ran(&f, body), part))
        printf("\n%s: '%s', not '%s'", body, f.notes, part);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, part));
    UNIT_INT(f.out.verdict, POLICY_FAILED);
    fake_clear(&f);
}

/** What a bound of CPU time is multiplied with. */
#if defined(__SANITIZE_ADDRESS__) /* single steps are longer */
#define UNIT_CPU_FACTOR 5
#else
#define UNIT_CPU_FACTOR 1
#endif

/** CPU milliseconds of this thread. */
static inline double cpu_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1000 + (double)ts.tv_nsec / 1e6;
}

#endif
