/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between models.c, which knows the names, and models_answer.c, which says
 * them in the caller's shape. */
#ifndef PENSTOCK_FLOW_MODELS_H
#define PENSTOCK_FLOW_MODELS_H

#include "flow/request.h"

#define MODEL_LIST_MAX 10000

/** What providers list, as provider/model; owned by the generation. */
struct model_list {
    uint64_t fresh_until_ms;
    size_t n;
    char *ids[MODEL_LIST_MAX];
};

/** Answer with the names that the principal may use. */
enum step models_answer_list(struct request *r);
/** Answer with the one that r->rest names, or 404. */
enum step models_answer_one(struct request *r);

#endif
