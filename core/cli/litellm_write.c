/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What was read of LiteLLM's configuration, as penstock.conf. */
#include "cli/litellm.h"

#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

/* A literal of Lua: quotes, backslashes and control characters escaped. */
static void put_text(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if ((unsigned char)*s < 32 || *s == 127)
            fprintf(out, "\\%03d", (unsigned char)*s);
        else
            fputc(*s, out);
    }
    fputc('"', out);
}

static void put_member(FILE *out, const char *comma, const char *key,
                       const char *value)
{
    fprintf(out, "%s %s = ", comma, key);
    put_text(out, value);
}

/* Seconds, whole or not, as a duration. */
static void put_seconds(FILE *out, const char *comma, const char *key,
                        const char *value)
{
    double s = strtod(value, NULL);

    fprintf(out, "%s %s = \"%.0fms\"", comma, key, s * 1000);
}

/* ---- providers ----------------------------------------------------------- */

static void put_key(struct litellm *l, FILE *out,
                    const struct litellm_provider *p)
{
    const char *env = litellm_env(p->key);
    char name[100];

    if (env) {
        snprintf(name, sizeof name, "%s", env);
    } else {
        snprintf(name, sizeof name, "%s_KEY", p->name);
        for (char *c = name; *c; c++)
            *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32)
                 : *c == '-' || *c == '.' ? '_' : *c;
        litellm_note(l, 0, name, "a key was written out in the file; put it "
                     "into this variable, or into a file");
    }
    fputs("\n    keys = { env ", out);
    put_text(out, name);
    fputs(" },", out);
}

static void put_headers(struct litellm *l, FILE *out,
                        const struct litellm_provider *p)
{
    const char *comma = "", *name, *organization;
    ynode v;

    organization = ytree_text(l->yaml, p->organization);
    if (!p->headers && !organization)
        return;
    fputs("\n    headers = {", out);
    for (size_t i = 0; ytree_pair(l->yaml, p->headers, i, &name, &v); i++) {
        if (litellm_env(ytree_text(l->yaml, v)) || !ytree_text(l->yaml, v)) {
            litellm_note(l, v, name, "a header's value stands in the file "
                         "itself here");
            continue;
        }
        fprintf(out, "%s [", comma);
        put_text(out, name);
        fputs("] = ", out);
        put_text(out, ytree_text(l->yaml, v));
        comma = ",";
    }
    if (organization && !litellm_env(organization))
        fprintf(out, "%s [\"openai-organization\"] = \"%s\"", comma,
                organization);
    else if (organization)
        litellm_note(l, p->organization, "organization", "write it into "
                     "headers = { [\"openai-organization\"] = … }");
    fputs(" },", out);
}

static bool any_setting(const struct litellm_provider *p)
{
    for (size_t i = 0; i < LITELLM_SETTINGS; i++) {
        if (p->settings[i])
            return true;
    }
    return false;
}

static void put_settings(FILE *out, const struct litellm_provider *p)
{
    static const char *const names[] = {
#define SETTING(id, theirs, vendor, ours) ours,
#include "cli/litellm_setting.def"
    };
    const char *comma = "";

    if (!any_setting(p))
        return;
    fputs("\n    settings = {", out);
    for (size_t i = 0; i < LITELLM_SETTINGS; i++) {
        if (!p->settings[i])
            continue;
        put_member(out, comma, names[i], p->settings[i]);
        comma = ",";
    }
    fputs(" },", out);
}

static void put_provider(struct litellm *l, FILE *out,
                         const struct litellm_provider *p)
{
    fputs("provider ", out);
    put_text(out, p->name);
    if (strcmp(p->name, p->vendor) == 0 && !*p->base_url && !p->key &&
        !p->total && !p->first_event && !p->headers && !p->organization &&
        !any_setting(p)) {
        fputc('\n', out);
        return;
    }
    fputs(" {", out);
    if (strcmp(p->name, p->vendor) != 0)
        fprintf(out, "\n    vendor = \"%s\",", p->vendor);
    if (*p->base_url)
        put_member(out, "\n   ", "base_url", p->base_url);
    if (*p->base_url)
        fputc(',', out);
    if (p->key)
        put_key(l, out, p);
    else if (strcmp(p->vendor, "bedrock") == 0)
        fputs("\n    keys = { { aws = {} } },", out);
    else if (strcmp(p->vendor, "vertex") == 0)
        fputs("\n    keys = { { google = {} } },", out);
    else if (*p->base_url && strstr(p->vendor, "compatible"))
        fputs("\n    keys = {},", out);
    put_settings(out, p);
    put_headers(l, out, p);
    if (p->total || p->first_event) {
        fputs("\n    timeouts = {", out);
        if (p->total)
            put_seconds(out, "", "total", p->total);
        if (p->first_event)
            put_seconds(out, p->total ? "," : "", "first_event",
                        p->first_event);
        fputs(" },", out);
    }
    fputs("\n}\n", out);
}

/* ---- models -------------------------------------------------------------- */

static void put_target(const struct litellm *l, FILE *out,
                       const struct litellm_entry *e, bool weighted,
                       bool outer)
{
    char target[512];

    snprintf(target, sizeof target, "%s/%s", l->providers[e->provider].name,
             e->upstream);
    fputs(outer ? "\n    " : "\n        ", out);
    if ((!weighted || e->weight == 0) && !e->max_concurrent) {
        put_text(out, target);
        fputc(',', out);
        return;
    }
    fputs("{ ", out);
    put_text(out, target);
    if (weighted && e->weight)
        fprintf(out, ", weight = %ld", e->weight);
    if (e->max_concurrent)
        fprintf(out, ", max_concurrent = %ld", e->max_concurrent);
    fputs(" },", out);
}

/* The lowest order there is for a model; 0 comes first. */
static long first_order(const struct litellm *l, const char *model)
{
    long least = -1;

    for (size_t i = 0; i < l->n_entries; i++) {
        const struct litellm_entry *e = &l->entries[i];

        if (strcmp(e->model, model) == 0 && (least < 0 || e->order < least))
            least = e->order;
    }
    return least;
}

static size_t count_first(const struct litellm *l, const char *model)
{
    long order = first_order(l, model);
    size_t n = 0;

    for (size_t i = 0; i < l->n_entries; i++)
        n += strcmp(l->entries[i].model, model) == 0 &&
             l->entries[i].order == order;
    return n;
}

/* `first`: of the lowest order, else of the others. How many. */
static size_t put_targets(const struct litellm *l, FILE *out,
                          const char *model, bool first)
{
    long order = first_order(l, model);
    size_t n = 0;

    for (size_t i = 0; i < l->n_entries; i++) {
        const struct litellm_entry *e = &l->entries[i];

        if (strcmp(e->model, model) != 0 || (e->order == order) != first)
            continue;
        if (!first && n == 0)
            fputs("\n    fallback = {", out);
        put_target(l, out, e, first && count_first(l, model) > 1, first);
        n++;
    }
    return n;
}

static ynode listed(const struct litellm *l, ynode list, const char *model)
{
    ynode n, found = ytree_at(l->yaml, list, model);

    for (size_t i = 0; !found && (n = ytree_item(l->yaml, list, i)); i++)
        found = ytree_at(l->yaml, n, model);
    return found;
}

/* [{a: [b, c]}, …] or {a: [b]}: the list of `model`, else that of "*", which
 * stands for all others; 0 = none. */
static ynode fallback_of(const struct litellm *l, ynode list,
                         const char *model)
{
    ynode found = listed(l, list, model);

    return found ? found : listed(l, list, "*");
}

static void put_fallbacks(struct litellm *l, FILE *out, const char *model)
{
    size_t n = put_targets(l, out, model, false);
    ynode list = fallback_of(l, l->fallbacks, model), item;

    list = list ? list : l->defaults;
    for (size_t i = 0; (item = ytree_item(l->yaml, list, i)) &&
                       i < LITELLM_FALLBACKS; i++) {
        const char *other = ytree_text(l->yaml, item);

        if (!other || strcmp(other, model) == 0)
            continue;
        if (first_order(l, other) < 0) {
            litellm_note(l, item, other, "the model that falls back to it has "
                         "none of this name");
            continue;
        }
        if (n++ == 0)
            fputs("\n    fallback = {", out);
        for (size_t k = 0; k < l->n_entries; k++) {
            if (strcmp(l->entries[k].model, other) == 0)
                put_target(l, out, &l->entries[k], false, false);
        }
    }
    if (n)
        fputs("\n    },", out);
}

static void put_on(struct litellm *l, FILE *out, const char *model)
{
    const struct {
        const char *key;
        ynode list;
    } kinds[] = { { "context_length", l->context },
                  { "content_filter", l->content } };
    const char *open = "\n    on = {";

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ynode list = fallback_of(l, kinds[i].list, model);
        ynode item = ytree_item(l->yaml, list, 0);
        const char *other = ytree_text(l->yaml, item);

        if (!other)
            continue;
        if (first_order(l, other) < 0) {
            litellm_note(l, item, other, "no model has this name");
            continue;
        }
        if (ytree_item(l->yaml, list, 1))
            litellm_note(l, ytree_item(l->yaml, list, 1), kinds[i].key,
                         "one model can take over; its own `on` goes on");
        fputs(open, out);
        put_member(out, "", kinds[i].key, other);
        open = ",";
    }
    if (*open == ',')
        fputs(" },", out);
}

static void put_model(struct litellm *l, FILE *out, const char *name,
                      const char *model)
{
    fputs("\nmodel ", out);
    put_text(out, name);
    fputs(" {", out);
    if (count_first(l, model) > 1)
        fprintf(out, "\n    balance = \"%s\",",
                l->balance ? l->balance : "weighted");
    put_targets(l, out, model, true);
    put_fallbacks(l, out, model);
    put_on(l, out, model);
    fputs("\n}\n", out);
}

static void put_alias(struct litellm *l, FILE *out, const char *alias,
                      ynode v)
{
    const char *model = ytree_text(l->yaml, v);
    ynode hidden = ytree_at(l->yaml, v, "hidden");
    const char *hides = ytree_text(l->yaml, hidden);

    if (!model)
        model = ytree_text(l->yaml, ytree_at(l->yaml, v, "model"));
    if (!model || first_order(l, model) < 0) {
        litellm_note(l, v, alias, "the model that it stands for is not there");
        return;
    }
    if (hides && strcmp(hides, "false") != 0)
        litellm_note(l, hidden, alias, "a list of models names it, too: "
                     "what a key may not ask for it does not see");
    put_model(l, out, alias, model);
}

static void put_models(struct litellm *l, FILE *out)
{
    const char *alias, *model;
    ynode v;

    for (size_t i = 0; i < l->n_entries; i++) {
        if (l->entries[i].written)
            continue;
        model = l->entries[i].model;
        for (size_t k = i; k < l->n_entries; k++)
            l->entries[k].written |= strcmp(l->entries[k].model, model) == 0;
        put_model(l, out, model, model);
    }
    for (size_t i = 0; ytree_pair(l->yaml, l->aliases, i, &alias, &v); i++)
        put_alias(l, out, alias, v);
}

/* ---- the rest ------------------------------------------------------------ */

static void put_master_key(struct litellm *l, FILE *out)
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    const char *env = litellm_env(l->master_key);

    if (!l->master_key)
        return;
    if (env) {
        litellm_note(l, 0, "master_key", "make a key by `penstock key "
                     "create`, or write key \"master\" { sha256 = … } with "
                     "the sum of what the variable holds");
        return;
    }
    sha256(str_of(l->master_key), sum);
    hex_encode(sum, sizeof sum, hex);
    fprintf(out, "\nkey \"master\" { sha256 = \"%s\" }\n", hex);
}

void litellm_write(struct litellm *l, FILE *out)
{
    fprintf(out, "-- From %s by `penstock import litellm`.\n\n", l->file);
    fputs("listen \"127.0.0.1:8080\"\n", out);
    if (l->total || l->retries >= 0) {
        fputs("\ndefaults {", out);
        if (l->total) {
            fputs("\n    timeouts = {", out);
            put_seconds(out, "", "total", l->total);
            fputs(" },", out);
        }
        if (l->retries >= 0)
            fprintf(out, "\n    retries = { attempts = %ld },",
                    l->retries > 15 ? 16 : l->retries + 1);
        fputs("\n}\n", out);
    }
    fputc('\n', out);
    for (size_t i = 0; i < l->n_providers; i++)
        put_provider(l, out, &l->providers[i]);
    put_models(l, out);
    put_master_key(l, out);
}
