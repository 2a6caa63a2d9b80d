/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Trampolines: every call into a plugin goes through one of these. They leave
 * the breadcrumb, open and close what the operation may touch, and make sure
 * that whatever comes back is a known code with a text.
 */
#include "engine/crumb.h"
#include "engine/plugin_host.h"

static const char *const rc_texts[] = {
    "out of memory", "not supported", "the provider's bytes make no sense",
    "a bug of the plugin"
};

bool plugin_rc_known(ps_rc rc)
{
    return rc >= PS_EBUG && rc <= PS_DECLINED;
}

const char *plugin_rc_text(ps_rc rc)
{
    if (rc == PS_EINVAL)
        return "not valid";
    if (rc > PS_ENOMEM || rc < PS_EBUG)
        return "no known code";
    return rc_texts[PS_ENOMEM - rc];
}

/* May this op be called? Leaves the breadcrumb when so. */
static bool enter(struct attempt_host *h, bool present, const char *op)
{
    if (!present || h->over)
        return false;
    crumb_enter(CRUMB_PLUGIN, plugin_name(h->plugin), str_of(op),
                str_from_ps(h->pub.request_id));
    return true;
}

static ps_rc leave(struct attempt_host *h, const char *op, ps_rc rc)
{
    crumb_leave();
    h->may_edit = h->may_sign = false;
    if (!plugin_rc_known(rc)) {
        err_set(&h->err, ERR_BUG, "plugin %s: %s returned %d, which is no code",
                h->plugin->name, op, (int)rc);
        return PS_EBUG;
    }
    if (rc < 0)
        err_set(&h->err, ERR_UPSTREAM_ERROR, "plugin %s: %s: %s",
                h->plugin->name, op, plugin_rc_text(rc));
    return rc;
}

static const ps_provider none;

static const ps_provider *ops_of(const struct attempt_host *h)
{
    return h->plugin ? &h->plugin->ops : &none;
}

ps_rc plugin_adjust(struct attempt_host *h)
{
    const ps_provider *ops = ops_of(h);

    if (!enter(h, ops->adjust, "adjust"))
        return PS_DECLINED;
    h->may_edit = true;
    return leave(h, "adjust", ops->adjust(&h->pub));
}

ps_rc plugin_auth(struct attempt_host *h, struct str secret)
{
    const ps_provider *ops = ops_of(h);

    if (!enter(h, ops->auth, "auth"))
        return PS_DECLINED;
    h->may_edit = true;
    return leave(h, "auth", ops->auth(&h->pub, ps_from_str(secret)));
}

ps_rc plugin_sign(struct attempt_host *h, const ps_outgoing *o,
                  struct str secret)
{
    const ps_provider *ops = ops_of(h);

    if (!enter(h, ops->sign, "sign"))
        return PS_DECLINED;
    h->may_sign = true;
    return leave(h, "sign", ops->sign(&h->pub, o, ps_from_str(secret)));
}

ps_rc plugin_head(struct attempt_host *h)
{
    const ps_provider *ops = ops_of(h);

    if (!enter(h, ops->head, "head"))
        return PS_DECLINED;
    return leave(h, "head", ops->head(&h->pub));
}

ps_rc plugin_watch(struct attempt_host *h, struct str event, struct str data)
{
    const ps_provider *ops = ops_of(h);

    attempt_host_answer(h, data);
    if (!enter(h, ops->watch, "watch"))
        return PS_DECLINED;
    return leave(h, "watch", ops->watch(&h->pub, ps_from_str(event),
                                        ps_from_str(data)));
}

ps_rc plugin_body(struct attempt_host *h, struct str body)
{
    const ps_provider *ops = ops_of(h);

    attempt_host_answer(h, body);
    if (!enter(h, ops->body, "body"))
        return PS_DECLINED;
    return leave(h, "body", ops->body(&h->pub, ps_from_str(body)));
}

ps_rc plugin_classify(struct attempt_host *h, ps_fault *f)
{
    const ps_provider *ops = ops_of(h);

    if (!enter(h, ops->classify, "classify"))
        return PS_DECLINED;
    return leave(h, "classify", ops->classify(&h->pub, f));
}

void plugin_done(struct attempt_host *h)
{
    const ps_provider *ops = ops_of(h);

    if (enter(h, ops->done, "done")) {
        ops->done(&h->pub);
        crumb_leave();
    }
    h->over = true;
}

/* ---- outside an attempt ------------------------------------------------ */

ps_rc plugin_selftest(const struct plugin *p, struct plugin_self *self)
{
    ps_rc rc;

    if (!p->ops.selftest)
        return PS_DECLINED;
    crumb_enter(CRUMB_PLUGIN, plugin_name(p), STR("selftest"), STR_NULL);
    rc = p->ops.selftest(&self->pub);
    crumb_leave();
    return rc;
}

ps_rc plugin_check(const struct plugin *p, struct plugin_self *self,
                   struct str settings)
{
    ps_rc rc;

    if (!p->ops.check)
        return PS_DECLINED;
    crumb_enter(CRUMB_PLUGIN, plugin_name(p), STR("check"), STR_NULL);
    rc = p->ops.check(&self->pub, ps_from_str(settings));
    crumb_leave();
    return rc;
}
