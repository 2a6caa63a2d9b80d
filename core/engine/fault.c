/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The table of fault classes, and the two tables that lead to a class without
 * knowing the provider: by status, by how the transport failed. */
#include "engine/fault.h"

#include "base/err.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

#define FAULT_ROW(id, name, scope, blame, credential, target, same, callers,  \
                  err)                                                        \
    [PS_FAULT_##id] = { name,   PS_SCOPE_##scope, BLAME_##blame, credential,  \
                        target, same,             callers,       ERR_##err },
static const struct fault_info infos[] = {
#include "engine/fault.def"
};
#undef FAULT_ROW

static const char *const scope_names[] = {
    [PS_SCOPE_REQUEST] = "request",
    [PS_SCOPE_CREDENTIAL] = "credential",
    [PS_SCOPE_TARGET] = "target",
    [PS_SCOPE_PROVIDER] = "provider",
};

/* The first row that holds the status decides. 409 is a lock that timed out
 * at OpenAI, which its own SDKs retry; 498 and 529 are vendors' "busy"; 404
 * on a path that we made means that the model (or the base URL) is wrong,
 * which is the operator's business and another target's chance. */
static const struct {
    int from, to, cls;
} by_status[] = {
    { 200, 299, PS_FAULT_NONE },       { 100, 399, PS_FAULT_PROTOCOL },
    { 401, 401, PS_FAULT_AUTH },       { 402, 402, PS_FAULT_QUOTA },
    { 403, 403, PS_FAULT_AUTH },       { 404, 404, PS_FAULT_MODEL_GONE },
    { 408, 408, PS_FAULT_TIMEOUT },    { 409, 409, PS_FAULT_TRANSIENT },
    { 425, 425, PS_FAULT_TRANSIENT },  { 429, 429, PS_FAULT_RATE_LIMIT },
    { 498, 498, PS_FAULT_OVERLOADED }, { 400, 499, PS_FAULT_BAD_REQUEST },
    { 503, 503, PS_FAULT_OVERLOADED }, { 504, 504, PS_FAULT_TIMEOUT },
    { 522, 522, PS_FAULT_TIMEOUT },    { 524, 524, PS_FAULT_TIMEOUT },
    { 529, 529, PS_FAULT_OVERLOADED }, { 500, 599, PS_FAULT_TRANSIENT },
};

static const int by_http_fail[] = {
    [HTTP_OK] = PS_FAULT_NONE,
    [HTTP_FAIL_ADDRESS] = PS_FAULT_CONNECT,
    [HTTP_FAIL_CONNECT] = PS_FAULT_CONNECT,
    [HTTP_FAIL_CONNECT_TIMEOUT] = PS_FAULT_TIMEOUT,
    [HTTP_FAIL_TLS] = PS_FAULT_CONNECT,
    [HTTP_FAIL_RESET] = PS_FAULT_CONNECT,
    [HTTP_FAIL_CUT] = PS_FAULT_TRANSIENT,
    [HTTP_FAIL_PROTOCOL] = PS_FAULT_PROTOCOL,
    [HTTP_FAIL_INTERNAL] = PS_FAULT_UNKNOWN,
};

const struct fault_info *fault_info(int cls)
{
    if (cls < 0 || (size_t)cls >= N_OF(infos))
        cls = PS_FAULT_UNKNOWN;
    return &infos[cls];
}

const char *fault_class_name(int cls)
{
    return fault_info(cls)->name;
}

int fault_class_by_name(struct str name)
{
    for (size_t i = 0; i < N_OF(infos); i++) {
        if (str_is(name, infos[i].name))
            return (int)i;
    }
    return -1;
}

const char *fault_scope_name(int scope)
{
    if (scope < PS_SCOPE_REQUEST || scope > PS_SCOPE_PROVIDER)
        return "unknown";
    return scope_names[scope];
}

bool fault_is_callers(const ps_fault *f, bool keys_from_client)
{
    return fault_info(f->cls)->callers ||
           (keys_from_client && f->scope == PS_SCOPE_CREDENTIAL);
}

void fault_init(ps_fault *f)
{
    memset(f, 0, sizeof *f);
    f->size = sizeof *f;
    f->scope = PS_SCOPE_REQUEST;
}

void fault_set(ps_fault *f, int cls)
{
    f->cls = (uint16_t)cls;
    f->scope = fault_info(cls)->scope;
}

void fault_from_status(ps_fault *f, int status)
{
    int cls = PS_FAULT_UNKNOWN;

    for (size_t i = 0; i < N_OF(by_status); i++) {
        if (status >= by_status[i].from && status <= by_status[i].to) {
            cls = by_status[i].cls;
            break;
        }
    }
    fault_init(f);
    fault_set(f, cls);
}

void fault_from_http(ps_fault *f, enum http_fail fail)
{
    bool known = (size_t)fail < N_OF(by_http_fail);

    fault_init(f);
    fault_set(f, known ? by_http_fail[fail] : PS_FAULT_UNKNOWN);
    if (fail == HTTP_FAIL_INTERNAL) /* ours: no target is to blame */
        f->scope = PS_SCOPE_REQUEST;
}
