/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A plugin's own URL is known only by loading it, and the bundle must hold
 * it, since the keeper resolves hosts and loads no plugin. So a plugin that
 * is needed for that is staged and tried here once more than others.
 */
#include "app/loader_urls.h"

#include "app/paths.h"
#include "base/buf.h"
#include "engine/config_unit.h"
#include "engine/plugin.h"

#include <stdio.h>
#include <unistd.h>

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int ask(const json_t *canonical, const char *plugin, char *url,
               struct err *err)
{
    const char *state = text_of(canonical, "state");
    const json_t *server = json_object_get(canonical, "server");
    char staged[PATHS_MAX];
    struct plugin_trial trial = { .staged = staged, .name = str_of(plugin),
                                  .user = text_of(server, "user"),
                                  .base_url = url };
    int rc = paths_make(state, geteuid() == 0 ? 0755 : 0700, err);

    if (!rc)
        rc = plugin_stage(text_of(canonical, "plugin_path"), trial.name, state,
                          staged, sizeof staged, err);
    return rc ? rc : plugin_try_in_child(&trial, err);
}

/* The text for a value in "v:text,*:text"; "*" in it is the value itself. */
static int put_case(struct buf *out, struct str cases, struct str value)
{
    while (cases.p) {
        struct str text = str_split(&cases, ','), of = str_split(&text, ':');

        if (!str_eq(of, value) && !str_is(of, "*"))
            continue;
        while (text.p) {
            int rc = buf_put(out, str_split(&text, '*'));

            if (!rc && text.p)
                rc = buf_put(out, value);
            if (rc)
                return rc;
        }
        return 0;
    }
    return -ERR_NOTFOUND;
}

/* One pair of braces: {name}, {name=x}, {name=x?v:text,*:text}. */
static int put_hole(struct buf *out, struct str hole, const json_t *settings,
                    char name[64])
{
    struct str rest = hole, key = str_split(&rest, '=');
    struct str otherwise = rest.p ? str_split(&rest, '?') : STR_NULL, value;

    snprintf(name, 64, STR_FMT, STR_ARG(key));
    value = str_of(text_of(settings, name));
    value = value.n ? value : otherwise;
    if (!value.n)
        return -ERR_NOTFOUND;
    for (size_t i = 0; i < value.n; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", value.p[i]))
            return -ERR_NOTFOUND;
    }
    return rest.p ? put_case(out, rest, value) : buf_put(out, value);
}

/*
 * "https://host.{region}.example": each name in braces is one of the
 * provider's settings, a text. -ERR_NOTFOUND: it is not there, or no label of
 * a host's name; `name` is which.
 */
static int fill_url(const json_t *provider, char *url, char name[64])
{
    const json_t *settings = json_object_get(provider, "settings");
    struct str rest = str_of(url);
    struct buf out = BUF_INIT(PLUGIN_URL_MAX - 1);
    int rc = 0;

    *name = '\0';
    while (!rc && rest.p && rest.n) {
        rc = buf_put(&out, str_split(&rest, '{'));
        if (!rc && rest.p)
            rc = put_hole(&out, str_split(&rest, '}'), settings, name);
    }
    if (!rc)
        snprintf(url, PLUGIN_URL_MAX, STR_FMT, STR_ARG(buf_str(&out)));
    buf_clear(&out);
    return rc;
}

static int give_url(const json_t *canonical, const json_t *why,
                    const char *name, json_t *provider, struct err *err)
{
    const char *plugin = text_of(provider, "plugin");
    char url[PLUGIN_URL_MAX] = "", pointer[160], reason[256], hole[64];
    const char *at;
    json_t *v;
    int rc = ask(canonical, plugin, url, err);

    if (rc)
        return rc;
    snprintf(pointer, sizeof pointer, "/provider/%s/plugin", name);
    at = text_of(why, pointer);
    if (!*url)
        return err_at(err, ERR_CONFIG, at ? at : "", "provider \"%.64s\" "
                      "base_url is missing, and plugin %.64s has none of its "
                      "own; write base_url = %s", name, plugin,
                      conf_type_example(CONF_URL));
    if (fill_url(provider, url, hole))
        return err_at(err, ERR_CONFIG, at ? at : "", "provider \"%.64s\": "
                      "%.64s's URL needs settings.%s: lower-case letters, "
                      "digits, -; or write base_url", name, plugin, hole);
    v = json_string(url);
    if (!v)
        rc = err_set(err, ERR_NOMEM, "memory is out");
    else if (!conf_value_ok(CONF_URL, STR_NULL, v, reason, sizeof reason))
        rc = err_at(err, ERR_CONFIG, at ? at : "", "provider \"%.64s\": "
                    "plugin %.64s's own base_url: %s", name, plugin, reason);
    else if (json_object_set_new(provider, "base_url",
                                 json_pack("[O]", v)) != 0)
        rc = err_set(err, ERR_NOMEM, "memory is out");
    json_decref(v);
    return rc;
}

int loader_urls(json_t *canonical, const json_t *why, struct err *err)
{
    json_t *all = json_object_get(canonical, "provider"), *p;
    const char *name;
    int rc = 0;

    json_object_foreach(all, name, p) {
        if (!rc && !json_array_size(json_object_get(p, "base_url")))
            rc = give_url(canonical, why, name, p, err);
    }
    return rc;
}
