/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* One configured provider of a plugin, open .. close; and what is asked of an
 * instance outside of an attempt. */
#include "engine/crumb.h"
#include "engine/plugin_host.h"

#include <stdlib.h>

static int call_open(struct plugin_inst *i, struct err *err)
{
    const struct plugin *p = i->plugin;
    ps_rc rc;

    if (!p->ops.open)
        return 0;
    crumb_enter(CRUMB_PLUGIN, plugin_name(p), STR("open"), STR_NULL);
    rc = p->ops.open(&i->pub);
    crumb_leave();
    if (rc == PS_OK || rc == PS_DECLINED)
        return 0;
    return err_at(err, ERR_CONFIG, i->err.at,
                  "plugin %s refuses provider %s: %s", p->name, i->name,
                  i->err.code ? i->err.msg : plugin_rc_text(rc));
}

static void inst_free(struct plugin_inst *i)
{
    json_clear(&i->settings);
    free(i->name);
    free(i->base_url);
    free(i->settings_text);
    free(i);
}

struct plugin_inst *plugin_open(const struct plugin *p, struct str provider,
                                struct str base_url, struct str settings,
                                struct err *err)
{
    struct plugin_inst *i;

    if (!settings.n)
        settings = STR("{}");
    if (plugin_settings_check(p->ops.settings, settings, err) < 0)
        return NULL;
    i = calloc(1, sizeof *i);
    if (!i) {
        err_set(err, ERR_NOMEM, "no memory for a plugin's instance");
        return NULL;
    }
    i->plugin = p;
    i->name = str_dup(provider);
    i->base_url = str_dup(base_url);
    i->settings_text = str_dup(settings);
    if (!i->name || !i->base_url || !i->settings_text) {
        err_set(err, ERR_NOMEM, "no memory for a plugin's instance");
        goto fail;
    }
    if (json_scan(&i->settings, str_of(i->settings_text), NULL, err) < 0)
        goto fail;
    i->pub.svc = &plugin_services;
    i->pub.size = sizeof i->pub;
    i->pub.name = (ps_str){ i->name, provider.n };
    i->pub.base_url = (ps_str){ i->base_url, base_url.n };
    if (call_open(i, err) < 0)
        goto fail;
    return i;
fail:
    inst_free(i);
    return NULL;
}

void plugin_close(struct plugin_inst *i)
{
    if (!i)
        return;
    if (i->plugin->ops.close) {
        crumb_enter(CRUMB_PLUGIN, plugin_name(i->plugin), STR("close"),
                    STR_NULL);
        i->plugin->ops.close(&i->pub);
        crumb_leave();
    }
    inst_free(i);
}

ps_inst *plugin_inst_handle(struct plugin_inst *i)
{
    return &i->pub;
}

/* How lists are told: OpenAI and Anthropic; Gemini, Cohere, Ollama; Vertex. */
static const char *const lists[][2] = {
    { "/data", "id" }, { "/models", "name" }, { "/publisherModels", "name" },
};

/* "models/gemini-x" and "publishers/google/models/gemini-x" as "gemini-x". */
static struct str bare_model(struct str name)
{
    struct str folder = STR("models/");
    ptrdiff_t at = str_find(name, folder);

    if (at < 0 || (at > 0 && !str_starts(name, STR("publishers/"))))
        return name;
    return (struct str){ name.p + at + folder.n,
                         name.n - (size_t)at - folder.n };
}

static ps_rc list_models(const struct json *j, uint32_t list,
                         const char *member, struct arena *a,
                         struct ps_model_sink *sink)
{
    ps_rc rc = PS_OK;

    for (uint32_t item = json_first(j, list);
         item != JSON_NONE && rc != PS_ENOMEM;
         item = json_sibling(j, list, item)) {
        struct str id;

        if (j->nodes[item].type != JSON_T_OBJECT)
            continue;
        id = json_text(j, json_member(j, item, str_of(member)), a);
        if (id.p) /* an odd id is left out, the rest stands */
            rc = plugin_services.model(sink, ps_from_str(bare_model(id)));
    }
    return rc == PS_ENOMEM ? rc : PS_OK;
}

/* The core's default. */
static ps_rc models_as_told(struct str body, struct ps_model_sink *sink)
{
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 };
    ps_rc rc = PS_EPROTO;

    if (!a || json_scan(&j, body, NULL, NULL) < 0)
        goto out;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        uint32_t at = json_at(&j, str_of(lists[i][0]));

        if (at == JSON_NONE || j.nodes[at].type != JSON_T_ARRAY)
            continue;
        rc = list_models(&j, at, lists[i][1], a, sink);
        break;
    }
out:
    json_clear(&j);
    arena_free(a);
    return rc;
}

struct str plugin_setting(const struct plugin_inst *i, struct str name)
{
    uint32_t node = JSON_NONE;
    struct str raw;

    if (i && i->settings.count)
        node = json_member(&i->settings, 0, name);
    if (node == JSON_NONE)
        return STR_NULL;
    raw = json_raw(&i->settings, node);
    if (i->settings.nodes[node].type == JSON_T_STRING)
        raw = (struct str){ raw.p + 1, raw.n - 2 };
    return raw;
}

ps_rc plugin_models(struct plugin_inst *i, struct str body,
                    void (*add)(void *ud, struct str id), void *ud)
{
    struct ps_model_sink sink = { .add = add, .ud = ud };
    const struct plugin *p = i->plugin;
    ps_rc rc = PS_DECLINED;

    if (p->ops.models) {
        crumb_enter(CRUMB_PLUGIN, plugin_name(p), STR("models"), STR_NULL);
        rc = p->ops.models(&i->pub, ps_from_str(body), &sink);
        crumb_leave();
    }
    if (rc == PS_DECLINED && !sink.n)
        rc = models_as_told(body, &sink);
    return plugin_rc_known(rc) ? rc : PS_EBUG;
}
