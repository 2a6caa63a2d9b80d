/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "cli/litellm.h"

#include <stdlib.h>
#include <string.h>

enum { NOTES_NEAR = 64 };

void litellm_note(struct litellm *l, ynode at, const char *what,
                  const char *why)
{
    json_t *note = json_pack("{s:i, s:s, s:s}", "line",
                             ytree_line(l->yaml, at), "what", what, "why",
                             why), *other;
    size_t n = json_array_size(l->notes);

    /* two models may fall back to the same; not all are looked through */
    for (size_t i = n > NOTES_NEAR ? n - NOTES_NEAR : 0; i < n; i++) {
        other = json_array_get(l->notes, i);
        if (json_equal(note, other)) {
            json_decref(note);
            return;
        }
    }
    json_array_append_new(l->notes, note);
}

const char *litellm_env(const char *value)
{
    static const char mark[] = "os.environ/";

    return value && strncmp(value, mark, sizeof mark - 1) == 0
               ? value + sizeof mark - 1 : NULL;
}

static const char *take(struct litellm *l, ynode map, const char *key)
{
    ynode n = ytree_at(l->yaml, map, key);
    const char *s = ytree_text(l->yaml, n);

    if (s)
        ytree_mark(l->yaml, n); /* what is no scalar stays untaken */
    return s;
}

static long number(struct litellm *l, ynode map, const char *key)
{
    const char *s = take(l, map, key);
    char *end;
    long n = s ? strtol(s, &end, 10) : 0;

    return s && n > 0 && (!*end || strcmp(end, ".0") == 0) ? n : 0;
}

/* ---- providers ----------------------------------------------------------- */

static const char *vendor_of(const char *prefix, size_t n)
{
    static const char *const table[][2] = {
#define VENDOR(theirs, ours) { theirs, ours },
#include "cli/litellm_vendor.def"
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strlen(table[i][0]) == n && strncmp(table[i][0], prefix, n) == 0)
            return table[i][1];
    }
    return NULL;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* One account and host? Nodes are compared by place: rarely more than one. */
static bool agree(const struct litellm_provider *a,
                  const struct litellm_provider *b)
{
    for (size_t i = 0; i < LITELLM_SETTINGS; i++) {
        if (!same(a->settings[i], b->settings[i]))
            return false;
    }
    return same(a->vendor, b->vendor) && same(a->base_url, b->base_url) &&
           same(a->key, b->key) && same(a->total, b->total) &&
           same(a->first_event, b->first_event) && a->headers == b->headers &&
           a->organization == b->organization;
}

static size_t provider_at(struct litellm *l, const struct litellm_provider *p)
{
    struct litellm_provider *own;
    int twins = 1;

    for (size_t i = 0; i < l->n_providers; i++) {
        if (agree(&l->providers[i], p))
            return i;
        twins += same(l->providers[i].vendor, p->vendor);
    }
    own = &l->providers[l->n_providers];
    *own = *p;
    if (twins > 1)
        snprintf(own->name, sizeof own->name, "%s-%d", p->vendor, twins);
    else
        snprintf(own->name, sizeof own->name, "%s", p->vendor);
    return l->n_providers++;
}

/* The address itself stands in the file here: what the variable says now, or
 * one that leads nowhere. */
static const char *base_of(struct litellm *l, ynode params, char *room,
                           size_t size)
{
    const char *key = ytree_at(l->yaml, params, "api_base") ? "api_base"
                                                            : "base_url";
    const char *base = take(l, params, key), *env = litellm_env(base);
    const char *value = env ? getenv(env) : NULL;
    size_t n;

    if (!env)
        return base;
    litellm_note(l, ytree_at(l->yaml, params, key), env,
                 value && *value
                     ? "an address stands in the file itself: what the "
                       "variable says now was written"
                     : "an address stands in the file itself, and the "
                       "variable is not set here: write it into base_url");
    if (value && *value)
        return value;
    n = (size_t)snprintf(room, size, "https://set-%s.invalid", env);
    for (size_t i = 0; i < n && i < size; i++) {
        if (room[i] == '_')
            room[i] = '-';
        else if (room[i] >= 'A' && room[i] <= 'Z')
            room[i] = (char)(room[i] + 32);
    }
    return room;
}

/* Azure's v1 API is below the resource; the others' base is taken as it is. */
static void set_base(struct litellm *l, struct litellm_provider *p,
                     ynode params, const char *model)
{
    char room[300];
    const char *base = base_of(l, params, room, sizeof room);
    bool azure = strncmp(p->vendor, "azure", 5) == 0;
    ynode version;
    size_t n;

    if (!base)
        return;
    n = strlen(base);
    while (n && base[n - 1] == '/')
        n--;
    if (strcmp(p->vendor, "azure-foundry") == 0)
        litellm_azure_ai(p, base, model);
    else if (azure && !strstr(base, "/openai"))
        snprintf(p->base_url, sizeof p->base_url, "%.*s/openai/v1", (int)n,
                 base);
    else if (strcmp(p->vendor, "ollama") == 0 && !strstr(base, "/v1"))
        snprintf(p->base_url, sizeof p->base_url, "%.*s/v1", (int)n, base);
    else
        snprintf(p->base_url, sizeof p->base_url, "%.*s", (int)n, base);
    version = azure ? ytree_take(l->yaml, params, "api_version") : 0;
    if (version)
        litellm_note(l, version, "api_version", "Azure's addresses "
                     "that base_url names here want none");
}

/* Where a cloud's models are: settings of its plugin. */
static void read_settings_of(struct litellm *l, ynode params,
                             struct litellm_provider *p)
{
    static const char *const table[][2] = {
#define SETTING(id, theirs, vendor, ours) { theirs, vendor },
#include "cli/litellm_setting.def"
    };

    for (size_t i = 0; i < LITELLM_SETTINGS; i++) {
        if (strcmp(p->vendor, table[i][1]) != 0)
            continue;
        p->settings[i] = take(l, params, table[i][0]);
        if (!litellm_env(p->settings[i]))
            continue;
        litellm_note(l, ytree_at(l->yaml, params, table[i][0]), table[i][0],
                     "a setting's value stands in the file itself here");
        p->settings[i] = NULL;
    }
}

static void read_provider(struct litellm *l, ynode params,
                          struct litellm_provider *p, const char *model)
{
    read_settings_of(l, params, p);
    set_base(l, p, params, model);
    p->key = take(l, params, "api_key");
    p->total = take(l, params, "timeout");
    p->first_event = take(l, params, "stream_timeout");
    p->headers = ytree_take(l->yaml, params, "extra_headers");
    p->organization = ytree_take(l->yaml, params, "organization");
}

/* ---- entries ------------------------------------------------------------- */

/* "invoke/anthropic.claude-x": here the client and the model say which API. */
static const char *bedrock_model(const char *name)
{
    static const char *const apis[] = { "invoke/", "converse/" };

    for (size_t i = 0; i < sizeof apis / sizeof *apis; i++) {
        if (strncmp(name, apis[i], strlen(apis[i])) == 0)
            return name + strlen(apis[i]);
    }
    return name;
}

/* "groq/llama" -> vendor and "llama"; without a known prefix the name says. */
static const char *split(const char *name, const char **vendor)
{
    const char *slash = strchr(name, '/');

    *vendor = slash ? vendor_of(name, (size_t)(slash - name)) : NULL;
    if (*vendor && strcmp(*vendor, "bedrock") == 0)
        return bedrock_model(slash + 1);
    if (*vendor)
        return slash + 1;
    if (!slash)
        *vendor = strncmp(name, "claude", 6) == 0 ? "anthropic" : "openai";
    return name;
}

static long weight_of(struct litellm *l, ynode params)
{
    long weight = number(l, params, "weight");
    ynode rpm = ytree_at(l->yaml, params, "rpm");

    if (!weight && rpm) {
        weight = number(l, params, "rpm");
        litellm_note(l, rpm, "rpm", "taken as the weight; what a provider "
                     "allows is learned from its answers");
    }
    return weight;
}

/* Ours end at 1000: the same shares in smaller numbers. */
static void scale_weights(struct litellm *l)
{
    long most = 1000;

    for (size_t i = 0; i < l->n_entries; i++)
        most = l->entries[i].weight > most ? l->entries[i].weight : most;
    for (size_t i = 0; i < l->n_entries; i++) {
        long w = (long)((double)l->entries[i].weight * 1000 / (double)most);

        if (l->entries[i].weight && most > 1000)
            l->entries[i].weight = w ? w : 1;
    }
}

static void read_entry(struct litellm *l, ynode entry)
{
    ynode params = ytree_at(l->yaml, entry, "litellm_params");
    struct litellm_provider p = { 0 };
    struct litellm_entry e = { .model = take(l, entry, "model_name") };
    const char *name = take(l, params, "model");
    const char *custom = take(l, params, "custom_llm_provider");
    ynode info;

    if (!e.model || !name) {
        litellm_note(l, entry, "model_list", "an entry without model_name or "
                     "litellm_params.model");
        return;
    }
    e.upstream = split(name, &p.vendor);
    if (custom)
        p.vendor = vendor_of(custom, strlen(custom));
    if (!p.vendor) {
        litellm_note(l, entry, name, "no vendor of the catalogue is known "
                     "for it; see `penstock models --vendors`");
        ytree_mark(l->yaml, entry);
        return;
    }
    if (strcmp(e.upstream, "*") == 0 && strcmp(name, "*") == 0)
        litellm_note(l, ytree_at(l->yaml, params, "model"), "*",
                     "every model is asked of OpenAI, not of whom its name "
                     "says: write a model for each vendor, as in "
                     "model \"claude-*\" { \"anthropic/claude-*\" }");
    info = ytree_at(l->yaml, entry, "model_info");
    ytree_take(l->yaml, info, "id");
    ytree_take(l->yaml, info, "mode");
    e.weight = weight_of(l, params);
    e.order = number(l, params, "order");
    e.max_concurrent = number(l, params, "max_parallel_requests");
    read_provider(l, params, &p, e.upstream);
    e.provider = provider_at(l, &p);
    l->entries[l->n_entries++] = e;
}

static int read_entries(struct litellm *l, struct err *err)
{
    ynode list = ytree_at(l->yaml, ytree_top(l->yaml), "model_list"), n;
    size_t count = 0;

    while (ytree_item(l->yaml, list, count))
        count++;
    if (count == 0)
        return err_set(err, ERR_CONFIG, "%s has no model_list; is it "
                       "LiteLLM's?", l->file);
    if (count > LITELLM_ENTRIES)
        return err_set(err, ERR_LIMIT, "%s: more than %d models", l->file,
                       LITELLM_ENTRIES);
    l->entries = calloc(count, sizeof *l->entries);
    l->providers = calloc(count, sizeof *l->providers);
    if (!l->entries || !l->providers)
        return err_set(err, ERR_NOMEM, "memory is out");
    for (size_t i = 0; (n = ytree_item(l->yaml, list, i)); i++)
        read_entry(l, n);
    scale_weights(l);
    if (l->n_entries)
        return 0;
    return err_set(err, ERR_CONFIG, "%s: no model of it can be mapped",
                   l->file);
}

/* ---- the settings -------------------------------------------------------- */

static void read_balance(struct litellm *l, ynode router)
{
    static const char *const table[][2] = {
        { "simple-shuffle", "weighted" }, { "latency-based-routing", "ewma" },
        { "least-busy", "ewma" }, { "usage-based-routing", "ewma" },
        { "usage-based-routing-v2", "ewma" } };
    const char *said = take(l, router, "routing_strategy");

    for (size_t i = 0; said && i < sizeof table / sizeof *table; i++) {
        if (strcmp(said, table[i][0]) == 0)
            l->balance = table[i][1];
    }
    if (said && (!l->balance || strstr(said, "us")))
        litellm_note(l, ytree_at(l->yaml, router, "routing_strategy"), said,
                     l->balance ? "balance = \"ewma\" is near it: of two that "
                                  "chance picks the one with less under way "
                                  "and the better latency"
                                : "there is no such balance");
}

/* The same may be said in two places. */
static ynode either(struct litellm *l, ynode router, ynode settings,
                    const char *key)
{
    ynode n = ytree_take(l->yaml, router, key);
    ynode other = ytree_take(l->yaml, settings, key);

    if (n && other)
        litellm_note(l, other, key, "the same in router_settings counts");
    return n ? n : other;
}

static void read_settings(struct litellm *l)
{
    ynode top = ytree_top(l->yaml);
    ynode router = ytree_at(l->yaml, top, "router_settings");
    ynode settings = ytree_at(l->yaml, top, "litellm_settings");
    ynode general = ytree_at(l->yaml, top, "general_settings");
    ynode n;

    read_balance(l, router);
    l->fallbacks = either(l, router, settings, "fallbacks");
    l->context = either(l, router, settings, "context_window_fallbacks");
    l->content = either(l, router, settings, "content_policy_fallbacks");
    l->defaults = either(l, router, settings, "default_fallbacks");
    l->aliases = ytree_take(l->yaml, router, "model_group_alias");
    n = ytree_take(l->yaml, settings, "request_timeout");
    l->total = take(l, router, "timeout"); /* the router's word counts */
    if (n && l->total)
        litellm_note(l, n, "request_timeout", "router_settings.timeout counts");
    else
        l->total = ytree_text(l->yaml, n);
    n = either(l, router, settings, "num_retries");
    if (ytree_text(l->yaml, n))
        l->retries = strtol(ytree_text(l->yaml, n), NULL, 10);
    l->master_key = take(l, general, "master_key");
    ytree_take(l->yaml, settings, "drop_params"); /* lossy = "drop" is ours */
    ytree_take(l->yaml, settings, "json_logs");   /* and so is this */
}

/* ---- what is left -------------------------------------------------------- */

static const char *advice(const char *path)
{
    static const char *const table[][2] = {
        { "cooldown_time", "breakers and cooldowns have their own times: "
          "docs/guide/reliability.md" },
        { "allowed_fails", "a breaker opens by the share of failures: "
          "docs/guide/reliability.md" },
        { "retry_after", "the wait is random and grows: "
          "docs/guide/reliability.md" },
        { "redis_", "limits and health are shared by the workers of a host "
          "without Redis" },
        { "database_url", "keys are in Penstock's own store; the hashed "
          "tokens can be taken over by `penstock key import`" },
        { "callback", "the ledger, the access log and /metrics: "
          "docs/guide/operations.md" },
        { "cache", "there is no cache of answers yet" },
        { "tpm", "limits are of callers (team, key); what a provider allows "
          "is learned from its answers" },
        { "aws_", "aws = {} takes AWS_ACCESS_KEY_ID and its like, a web "
          "identity, a profile or the machine's role: docs/guide/clouds.md" },
        { "vertex_", "google = {} takes GOOGLE_APPLICATION_CREDENTIALS or the "
          "machine's account, google = file \"PATH\" another: "
          "docs/guide/clouds.md" },
        { "azure_ad_token", "write keys = { { entra = {} } }: "
          "docs/guide/clouds.md" },
        { "tenant_id", "write keys = { { entra = {} } }: "
          "docs/guide/clouds.md" },
        { "cost_per_token", "write price \"provider/model\" { … }" },
        { "set_verbose", "write log { level = \"debug\" }" },
        { "environment_variables", "set them where Penstock is started" },
        { "guardrails", "a policy does this: docs/guide/policies.md" },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strstr(path, table[i][0]))
            return table[i][1];
    }
    return "nothing corresponds to it";
}

static void on_untaken(void *ud, ynode n, const char *path)
{
    litellm_note(ud, n, path, advice(path));
}

int litellm_read(struct litellm *l, const char *file, struct err *err)
{
    int rc;

    *l = (struct litellm){ .file = file, .retries = -1,
                           .notes = json_array(),
                           .yaml = ytree_read(file, err) };
    if (!l->yaml)
        return -ERR_CONFIG;
    rc = read_entries(l, err);
    if (rc == 0) {
        read_settings(l);
        ytree_untaken(l->yaml, on_untaken, l);
    }
    return rc;
}

void litellm_clear(struct litellm *l)
{
    ytree_free(l->yaml);
    free(l->providers);
    free(l->entries);
    json_decref(l->notes);
    *l = (struct litellm){ 0 };
}
