/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What requests of OpenAI's two dialects, chat and Responses, are written
 * alike; for the codec_*.c files. */
#ifndef PENSTOCK_WIRE_CODEC_OPENAI_PUT_H
#define PENSTOCK_WIRE_CODEC_OPENAI_PUT_H

#include "wire/codec_put.h"

/** How a dialect spells what it says of tools. */
struct openai_tools {
    void (*put_tool)(struct cw *c, const struct neutral_tool *t);
    void (*put_named)(struct cw *c, struct str name);
    void (*put_allowed)(struct cw *c, const struct neutral_choice *choice);
};

/** "data:image/png;base64,…": the digits go out as they came in. */
void openai_put_data_url(struct cw *c, const struct neutral_media *m);

/** `user`, its SHA-256 where it is longer than OpenAI takes. */
void openai_put_user(struct cw *c);

/** `tools` and `parallel_tool_calls`. A vendor's own tool goes as it is, or as
 * the function that it is like. */
void openai_put_tools(struct cw *c, const struct openai_tools *how);

/** `tool_choice`; nothing without tools: it would be refused upstream. */
void openai_put_choice(struct cw *c, const struct openai_tools *how);

#endif
