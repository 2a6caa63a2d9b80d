/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/codec_mistral.h"

#include "wire/codec_chat.h"

/* Its own members, for clients that know it by name. */
static const char *const own[] = {
    "random_seed",          "safe_prompt",         "prompt_mode",
    "prediction",           "metadata",            "guardrails",
    "document_image_limit", "document_page_limit", "prompt_cache_key",
    NULL,
};

int mistral_encode_request(const struct neutral_request *r,
                           const struct codec_target *target, struct arena *a,
                           struct buf *out, struct codec_report *report,
                           struct codec_names *names, struct err *err)
{
    struct codec_target strict = *target;

    strict.strict = true;
    strict.passes = own;
    return chat_encode_request(r, &strict, a, out, report, names, err);
}
