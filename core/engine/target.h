/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Targets and what hangs off them in one worker and generation. A target is
 * provider/upstream-model[@host]; its shared cell (in-flight, failures,
 * averages) outlives generations, keyed by its name.
 */
#ifndef PENSTOCK_ENGINE_TARGET_H
#define PENSTOCK_ENGINE_TARGET_H

#include "base/arena.h"
#include "engine/config.h"
#include "engine/health.h"
#include "engine/plugin.h"

struct ability_table;
struct principal;
struct fetched;     /* engine/fetched.h */
struct fetched_set;

/** A configured provider in this worker. */
struct provider {
    const struct conf_provider *conf;
    const struct plugin *plugin;    /* engine/plugin.h */
    struct plugin_inst *inst;       /* opened at first use, by provider_open */
    struct credential *credentials; /* never empty: see `conf` below */
    size_t n_credentials;
    struct health *health; /* NULL: nobody keeps one */
};

struct credential {
    const struct conf_credential *conf; /* NULL: keyless or the client's */
    struct str label;                   /* "openai#main"; "sim" when keyless */
    struct rest *rest; /* shared by all workers; NULL: own */
    struct rest own;
    struct fetched *fetched; /* what stands for conf->secret; NULL: it does */
    int64_t turn; /* of the smooth round robin, see credential.c */
};

struct target {
    struct str name; /* "openai/gpt-6-luna", "gpu/llama@10.0.8.1:8000" */
    struct provider *provider;
    struct str base_url; /* of the one host */
    struct str model;    /* upstream name */
    uint32_t weight, max_concurrent; /* 0: any number */
    struct aimd_range adaptive; /* within that; min 0: not found out */
    const struct conf_model *group; /* NULL: named as provider/model */
    struct health_cell *cell; /* shared by all workers; NULL: none */
    bool kind_known; /* then `kind` is what its model is for */
    uint8_t kind;    /* enum model_kind */
};

/** Does its model think before it answers, by the provider's `reasoning`?
 * O(patterns). */
bool target_reasons(const struct target *t);

/** All providers and models of one generation in one worker. */
struct engine;

/**
 * Build them; no plugin is called. Borrows both, for its life.
 * NULL with *err: CONFIG (a provider's plugin is not loaded), NOMEM.
 */
struct engine *engine_new(const struct config *c, struct plugin_set *plugins,
                          struct err *err);
/** Closes the instances; no attempt may be under way. NULL is fine. */
void engine_free(struct engine *e);
/**
 * From now on targets have the cells of their names. `h` is borrowed for e's
 * life; NULL = none. O(targets): once per generation.
 */
void engine_use_health(struct engine *e, struct health *h,
                       uint64_t generation);
/** The keys that are fetched are found there from now on; `s` outlives e. */
void engine_use_fetched(struct engine *e, struct fetched_set *s);
/** What the models of model blocks are for, once for all requests.
 * O(targets): once per generation. */
void engine_use_abilities(struct engine *e, const struct ability_table *t);
/** Has an operator taken it out (see `penstock target`), or is its plugin
 * quarantined? */
bool target_is_off(const struct target *t);
/** Until when it rests because its provider asked for a pause. */
uint64_t target_until_ms(const struct target *t);
/**
 * Is there anything that keeps calls from it at this time: its breaker, its
 * rest, or that all credentials of its provider rest? One that is half-open
 * is usable.
 */
bool target_is_usable(const struct target *t, uint64_t now_ms);
/** Has some model a usable target? Where provider/model names are open: has
 * some provider a credential that does not rest? O(targets), mostly O(1). */
bool engine_is_ready(const struct engine *e, uint64_t now_ms);
/** The budget for further tries of a model block, shared by all workers;
 * NULL stands for all names without one. NULL: nobody keeps it. O(1). */
struct retry_budget *engine_retries(const struct engine *e,
                                    const struct conf_model *m);
/** 32 bits of chance. */
uint32_t engine_dice(struct engine *e);
const struct config *engine_config(const struct engine *e);

/** Providers in the configuration's order: count, and the i-th. */
size_t engine_providers(const struct engine *e);
struct provider *engine_provider(struct engine *e, size_t i);
/** By name, or NULL. O(1). */
struct provider *engine_provider_find(const struct engine *e, struct str name);

/** Open the plugin's instance unless it is open. 0 or -ERR_x. */
int provider_open(struct provider *p, struct err *err);

/** Shuffles from now on follow from this number; for tests. */
void engine_seed(struct engine *e, uint64_t seed);

/** A candidate of a plan; policies see and edit these. */
struct candidate {
    const struct target *target;
    bool dropped;
    struct str why; /* why it was dropped or preferred */
    int32_t prefer; /* higher first; stable within equals */
};

#define PLAN_MAX 64 /* candidates; further ones are left out */

struct plan {
    struct candidate *list; /* in the order to try */
    size_t n;
    size_t n_first; /* so many are the targets; what follows is fallback */
    struct str model; /* the block's name ("claude-*"), else as it was sent;
                         metrics say "other" where target->group is NULL */
};

/**
 * The plan that the configuration gives for a model name: exact block, then
 * the pattern with the longest literal prefix, then provider/model where that
 * is open. Weighted groups are shuffled by weight; the hosts of one provider
 * evenly; fallback follows in order.
 *
 *   a        in   owns the list and what had to be made for a pattern
 *   who      in   whose models a refusal may name; NULL = all
 *
 * Errors: MODEL_NOT_FOUND (msg names up to three near models), NOMEM
 * Cost:   O(candidates); a refusal O(models), at most ENGINE_NEAR_MAX
 */
int engine_plan(struct engine *e, struct arena *a, struct str model,
                const struct principal *who, struct plan *out,
                struct err *err);

/** The plan of a name provider/model, whether such names are open or not.
 * MODEL_NOT_FOUND: there is no such provider. */
int engine_plan_named(struct engine *e, struct arena *a, struct str name,
                      struct plan *out, struct err *err);

/** The plan of a model block that is no pattern. 0, or -ERR_NOMEM. */
int engine_plan_block(struct engine *e, struct arena *a,
                      const struct conf_model *m, struct plan *out,
                      struct err *err);

/**
 * Where the model says balance = "ewma", put the first n_first candidates
 * into the order in which to try them: a target whose probe is due; of two
 * drawn by weight the one with the smaller product of its time to the first
 * content and its calls under way; the rest by that product; what rests or is
 * open comes last.
 *
 * Cost: O(n_first²), and a look at each one's cell; no allocation.
 * Source: docs/design/reliability.md, "Balance"
 */
void engine_balance(struct engine *e, struct plan *p, uint64_t now_ms);
/**
 * Put that one of the first n_first candidates to the front which is the
 * conversation's, of those that are well and not full.
 *
 *   tenant   in   conversations of two tenants have nothing in common
 *   by_load  in   nor those that are busier than the others
 *   returns       false: there is none; nothing has changed
 *
 * Cost: O(n_first), about 70 ns each.
 */
bool engine_stick(struct plan *p, struct str tenant, struct str session,
                  bool by_load, uint64_t now_ms);
/** Is the i-th well, not full, not dropped; by_load: and has it not half as
 * much again to do as they have on average? */
bool engine_may_stick(const struct plan *p, size_t i, bool by_load,
                      uint64_t now_ms);
/** That candidate first, the others after it as they are. */
void engine_put_first(struct plan *p, size_t at);
/** Does it rest, or is its breaker open? */
bool target_is_ill(const struct target *t, uint64_t now_ms);
/** Its weight in thousandths, less where it is degraded. */
uint32_t target_weight(const struct target *t, uint64_t now_ms);
/** How many calls it may have now; 0: any number. O(1). */
uint32_t target_most(const struct target *t);
/** Are as many calls under way as it may have? */
bool target_is_full(const struct target *t);
/** Calls under way at a target, over all workers; 0 where nobody counts. */
uint32_t target_inflight(const struct target *t);
/** The name of the model block that serves a name; n 0 where none does. */
struct str engine_model_block(const struct engine *e, struct str model);

/** Names for GET /v1/models: model blocks without '*'. */
size_t engine_model_names(const struct engine *e, struct str *out, size_t max);

#define ENGINE_TARGETS_MAX 1024

/**
 * The targets of all model blocks, each name once, in the configuration's
 * order; those of a pattern with '*' upstream do not exist before a request.
 * Returns how many were put, at most `max`. O(targets²): once per generation.
 */
size_t engine_targets(const struct engine *e, const struct target **out,
                      size_t max);

/** True when no model block exists, so provider/model names are open. */
bool engine_is_open(const struct engine *e);

/** Its rest, wherever that is kept. */
struct rest *credential_rest(struct credential *c);
/** Is it one that is fetched, and there is none now? It cannot serve. */
bool credential_lacks(const struct credential *c);
/** What is sent, or empty; a newer one may come as the loop turns. */
struct str credential_secret(const struct credential *c);
/** Does it rest, or lack a secret? */
bool credential_is_out(const struct credential *c, uint64_t now_ms);
/** Until when it rests; in the past: it does not. */
uint64_t credential_until_ms(const struct credential *c);
/** Does one of its credentials not rest? It does not take its turn. */
bool provider_has_credential(const struct provider *p, uint64_t now_ms);

/** Is its only credential parked? Such a one is tried when nothing else is
 * left: its provider's answer says more than ours. */
bool provider_is_parked(const struct provider *p, uint64_t now_ms);

/**
 * A usable credential: by weight in smooth rotation, of those that do not
 * rest; else the only one where it is parked; else NULL. A keyless provider
 * has one with conf NULL.
 */
struct credential *provider_credential(struct provider *p, uint64_t now_ms);

/** The same for a request of so many tokens: first of those whose limit at
 * this target is not below that; see engine/pace.h. */
struct credential *target_credential(const struct target *t, uint64_t tokens,
                                     uint64_t now_ms);
/** Are all of its credentials that do not rest below it, and there is one? */
bool target_is_paced(const struct target *t, uint64_t tokens,
                     uint64_t now_ms);
/** Is one of them? */
bool target_has_paced(const struct target *t, uint64_t tokens,
                      uint64_t now_ms);

#endif
