/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/plugin_token.h"

#include "engine/crumb.h"
#include "engine/plugin_host.h"

#define TEXTS_MAX (64u << 10)

static struct plugin_token *of(ps_token *t)
{
    return (struct plugin_token *)t; /* its first member */
}

ps_rc svc_token_ask(ps_token *t, ps_str method, ps_str url, ps_str body)
{
    struct plugin_token *h = of(t);

    if (h->got || h->ops->ask(h->ud, str_from_ps(method), str_from_ps(url),
                              str_from_ps(body)) != 0)
        return PS_EINVAL;
    h->asked = true;
    return PS_OK;
}

ps_rc svc_token_header(ps_token *t, ps_str name, ps_str value)
{
    struct plugin_token *h = of(t);

    return h->asked && h->ops->header(h->ud, str_from_ps(name),
                                      str_from_ps(value)) == 0
               ? PS_OK : PS_EINVAL;
}

ps_str svc_token_text(ps_token *t, ps_str pointer)
{
    struct plugin_token *h = of(t);
    uint32_t node;

    if (!h->scanned &&
        (!h->arena ||
         json_scan(&h->json, str_from_ps(t->answer), NULL, NULL) < 0))
        return (ps_str){ NULL, 0 };
    h->scanned = true;
    node = json_at(&h->json, str_from_ps(pointer));
    if (node == JSON_NONE)
        return (ps_str){ NULL, 0 };
    if (h->json.nodes[node].type == JSON_T_STRING)
        return ps_from_str(json_text(&h->json, node, h->arena));
    return ps_from_str(json_raw(&h->json, node));
}

ps_rc svc_token_got(ps_token *t, ps_str secret, int64_t seconds)
{
    struct plugin_token *h = of(t);

    if (h->asked || h->ops->got(h->ud, str_from_ps(secret), seconds) != 0)
        return PS_EPROTO;
    h->got = true;
    return PS_OK;
}

ps_rc svc_token_fail(ps_token *t, ps_rc rc, ps_str why)
{
    if (why.n > 160)
        why.n = 160;
    err_set(&of(t)->err, ERR_UPSTREAM_ERROR, STR_FMT, STR_ARG(why));
    return rc;
}

bool plugin_can_refresh(const struct plugin_inst *i)
{
    return i && i->plugin->ops.cred_refresh;
}

int plugin_refresh(struct plugin_token *t, struct plugin_inst *i,
                   struct str secret, uint32_t step, int status,
                   struct str answer)
{
    ps_rc rc;

    t->pub = (ps_token){ .svc = &plugin_services, .size = sizeof t->pub,
                         .step = step, .inst = &i->pub,
                         .secret = ps_from_str(secret), .status = status,
                         .answer = ps_from_str(answer) };
    t->arena = arena_new(TEXTS_MAX);
    crumb_enter(CRUMB_PLUGIN, plugin_name(i->plugin), STR("cred_refresh"),
                STR_NULL);
    rc = i->plugin->ops.cred_refresh(&t->pub);
    crumb_leave();
    json_clear(&t->json);
    arena_free(t->arena);
    if (rc == PS_OK && (t->asked || t->got))
        return 0;
    err_set(&t->err, ERR_UPSTREAM_ERROR, "%s",
            rc == PS_OK ? "it neither asked nor got a token"
                        : plugin_rc_text(rc));
    return -ERR_UPSTREAM_ERROR;
}
