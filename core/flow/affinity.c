/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/affinity.h"

#include "base/siphash.h"
#include "engine/kv.h"
#include "engine/principal.h"
#include "flow/policies.h"

/* As no policy calls its own. */
static const struct str space = STR("\1affinity");

/* In the body, where no field names the conversation. */
static struct str body_session(struct request *r)
{
    static const char *const at[] = { "/prompt_cache_key",
                                      "/metadata/session_id",
                                      "/metadata/user_id" };
    const struct json *j = body_index(r);
    struct str s = STR_NULL;

    for (size_t i = 0; j && !s.n && i < sizeof at / sizeof at[0]; i++) {
        uint32_t node = json_at(j, str_of(at[i]));

        if (node != JSON_NONE)
            s = json_text(j, node, r->arena);
    }
    return s;
}

/* A name for the first `bytes` of what providers cache, in their order,
 * whatever the dialect calls it. None where there is less: nobody caches so
 * little, and what follows it would be a part of the name. */
static struct str prompt_name(struct request *r, uint32_t bytes)
{
    static const char *const at[] = {
        "/tools",    "/system", "/instructions", "/systemInstruction",
        "/messages", "/input",  "/contents",     "/prompt",
    };
    const struct json *j = body_index(r);
    struct siphash_key key = { 0, 2 };

    for (size_t i = 0; j && bytes && i < sizeof at / sizeof at[0]; i++) {
        uint32_t node = json_at(j, str_of(at[i]));
        struct str s = node == JSON_NONE ? STR_NULL : json_raw(j, node);

        s.n = s.n < bytes ? s.n : bytes;
        bytes -= (uint32_t)s.n;
        if (s.n)
            key.k0 = siphash(key, s);
    }
    return j && !bytes ? arena_fmt(r->arena, "prompt %016llx",
                                   (unsigned long long)key.k0)
                       : STR_NULL;
}

static struct str tenant_of(const struct request *r)
{
    return r->principal ? r->principal->id : STR("");
}

/* The key of what is remembered; of another model it is another one. */
static const struct str *pin_key(struct request *r,
                                 const struct conf_model *m, struct str name)
{
    struct siphash_key key = { siphash((struct siphash_key){ 0, 3 },
                                       tenant_of(r)), 0 };

    struct str *pin = arena_alloc(r->arena, sizeof *pin);

    if (!pin)
        return NULL;
    key.k1 = siphash(key, m->name);
    *pin = arena_fmt(r->arena, "%016llx%016llx", (unsigned long long)key.k1,
                     (unsigned long long)siphash(key, name));
    return pin->n ? pin : NULL;
}

/* The target that served last goes first. */
static bool go_back(struct request *r, struct plan *p, uint64_t now_ms,
                    bool by_load)
{
    struct kv_at at = { .space = space, .now_ms = now_ms };
    struct kv_found found;

    if (!r->flow->env.kv || !r->pin)
        return false;
    at.key = *r->pin;
    if (kv_get(r->flow->env.kv, &at, &found) != 0 ||
        found.value.type != KV_TEXT)
        return false;
    for (size_t i = 0; i < p->n_first; i++) {
        if (!str_eq(p->list[i].target->name, found.value.text))
            continue;
        if (!engine_may_stick(p, i, by_load, now_ms))
            return false;
        engine_put_first(p, i);
        return true;
    }
    return false;
}

void affinity_order(struct request *r, struct plan *p, uint64_t now_ms)
{
    const struct conf_model *m = p->list[0].target->group;
    struct str name = hints_session(r);
    bool by_load = false;

    if (!name.n)
        name = body_session(r);
    if (!name.n && m->affinity.by == AFFINITY_PROMPT) {
        name = prompt_name(r, m->affinity.prefix);
        by_load = true;
    }
    r->pin = NULL;
    if (!name.n)
        return;
    if (m->affinity.ttl_ms)
        r->pin = pin_key(r, m, name);
    if (!go_back(r, p, now_ms, by_load))
        engine_stick(p, tenant_of(r), name, by_load, now_ms);
}

void affinity_served(const struct request *r)
{
    const struct target *t = r->attempt->target;
    struct kv_at at = { space, *r->pin, loop_now_ms(r->flow->env.loop) };
    struct kv_value v = { .type = KV_TEXT, .text = t->name };

    /* one that is not kept costs a cold cache, no more */
    if (r->flow->env.kv && t->group && t->group->affinity.ttl_ms)
        (void)kv_set(r->flow->env.kv, &at, &v, t->group->affinity.ttl_ms);
}
