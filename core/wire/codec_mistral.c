/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/codec_mistral.h"

#include "wire/codec_chat.h"
#include "wire/codec_turns.h"

/* Its own members, for clients that know it by name. */
static const char *const own[] = {
    "random_seed",          "safe_prompt",         "prompt_mode",
    "prediction",           "metadata",            "guardrails",
    "document_image_limit", "document_page_limit", NULL,
};

/* It has no choice among some of the tools: the others are left out. */
static int narrow(const struct neutral_request *r, struct arena *a,
                  struct neutral_request *copy)
{
    struct cw c = { .r = r, .a = a };

    cw_narrow_tools(&c, copy);
    copy->choice.allowed = NULL;
    return c.w.rc;
}

int mistral_encode_request(const struct neutral_request *r,
                           const struct codec_target *target, struct arena *a,
                           struct buf *out, struct codec_report *report,
                           struct codec_names *names, struct err *err)
{
    struct codec_target strict = *target;
    struct neutral_request copy;
    bool some = r->choice.allowed != NULL;
    int rc;

    strict.strict = true;
    strict.passes = own;
    if (some && narrow(r, a, &copy))
        return err_set(err, ERR_NOMEM, "out of memory");
    rc = chat_encode_request(some ? &copy : r, &strict, a, out, report, names,
                             err);
    if (some)
        codec_note(report, FATE_MAPPED, FEATURE_ALLOWED_TOOLS);
    return rc;
}
