/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What scripts see of the request: userdata that name a call and its
 * generation, and look things up when asked. Nothing of the core's is ever
 * pointed at past the call: a stale one raises "req is over".
 */
#ifndef PENSTOCK_POLICY_API_H
#define PENSTOCK_POLICY_API_H

#include "policy/call.h"
#include "policy/sandbox.h"

enum api_kind {
    API_REQ,
    API_HEADER,
    API_PRINCIPAL,
    API_LIMITS, /* struct conf_limits */
    API_TAGS, /* conf_pair[] */
    API_LIST, /* str[] */
    API_PLAN,
    API_TARGET, /* struct target */
    API_TRY,
    API_ERR,
    API_RESP,
    API_RESP_HEADER,
    API_OUT,
    API_BODY,
    API_WINDOW,
    API_CTX,
    API_KINDS
};

/** Make the metatables and the global `ps`; below lua_pcall. */
void api_open(lua_State *L);

void api_push(lua_State *L, struct policy_call *c, enum api_kind kind,
              const void *thing, size_t n);

/** What the phase of c passes behind req and conf; how many values. */
int api_push_thing(lua_State *L, struct policy_call *c);

/** The live reference at arg; raises for another type or a stale one. */
struct api_ref *api_check(lua_State *L, int arg, enum api_kind kind);

/** The same without the type check, for metamethods (out of scripts' reach). */
struct api_ref *api_self(lua_State *L, enum api_kind kind);

/** Is the value at idx of that kind? (It may be stale.) */
bool api_is(lua_State *L, int idx, enum api_kind kind);

/** Index of the string at arg 2 in `names` (ended by NULL), or -1. That upvalue
 * of the running function is a table made by api_name_table. */
int api_which_of(lua_State *L, int upvalue);

/** The same, by the first one. */
static inline int api_which(lua_State *L)
{
    return api_which_of(L, 1);
}

/** The table of names, left on the stack. */
void api_name_table(lua_State *L, const char *const *names);

/** What a script may do instead of an assignment that is refused; or "". */
const char *api_instead(enum api_kind kind);

/** A closure of fn over the names (as upvalue 1), left on the stack. */
void api_names(lua_State *L, const char *const *names, lua_CFunction fn);

/** The call that runs; raises while a file is being loaded. */
struct policy_call *api_call(lua_State *L);

/** nil for an empty one */
void api_push_str(lua_State *L, struct str s);
void api_note(struct policy_call *c, struct str text);

/** What a policy in mode = "observe" would have done: a note; in tick, which
 * has no request, a line in the log. */
void api_record(struct policy_call *c, struct str text);

/** The metatable of userdata that scripts make and call methods of, for
 * luaL_checkudata(L, i, name). Other names raise. */
void api_class(lua_State *L, const char *name, const luaL_Reg *methods);

/** Name in Lua of an enum policy_field. */
const char *api_req_name(int field);

/* one per file */
void api_req_open(lua_State *L);
void api_principal_open(lua_State *L);
void api_cert_push(lua_State *L, struct policy_call *c); /* a table, or nil */
void api_plan_open(lua_State *L);
void api_try_open(lua_State *L);
void api_err_open(lua_State *L);
void api_out_open(lua_State *L);
void api_body_open(lua_State *L);
void api_ctx_open(lua_State *L);
void api_ps_open(lua_State *L);
void api_window_open(lua_State *L);
int api_window_replace(lua_State *L); /* w:replace(re, f) */
void api_window_check(lua_State *L, int rc); /* of an edit of w.text */
void api_kv_open(lua_State *L);   /* into the table on top, from here on */
void api_limit_open(lua_State *L);
void api_cidr_open(lua_State *L);
void api_re_open(lua_State *L);
void api_json_open(lua_State *L);
void api_metric_open(lua_State *L);
void api_secret_open(lua_State *L);
void api_target_open(lua_State *L);
void api_text_open(lua_State *L);
void api_http_open(lua_State *L);
void api_redis_open(lua_State *L);
void api_jwt_open(lua_State *L);
void decision_open(lua_State *L); /* ps.deny */
int decision_deny(lua_State *L);  /* ps.deny itself */
void api_validate_open(lua_State *L); /* ps.validate, into that table */

/** api_cidr.c: a list of texts on top becomes networks; it is conf[key]. */
void api_cidr_conf(lua_State *L, const char *key);

/** api_re.c: each of a list is a text that ps.re takes; raises. */
void api_re_conf(lua_State *L, const json_t *list, const char *key);

/** A frozen table of functions, into the table on top: ps.name.fn. */
void api_group(lua_State *L, const char *name, const luaL_Reg *functions);

/** Bytes of the string or secret at arg. */
struct str api_bytes(lua_State *L, int arg);

/** An opaque value; the secret outlives the state. */
void api_push_secret(lua_State *L, const struct secret *s);

/** Where the value on top is a secret, its text takes its place. */
void api_secret_below(lua_State *L);

/** The text without the policy's secrets, then cut to `max` bytes: for logs,
 * notes and errors. In the arena where it had one. */
struct str api_hide(const struct conf_policy *p, struct arena *a,
                    struct str text, size_t max);

/** Put the metatable on top in place as that of `kind`; popped. */
void api_metatable(lua_State *L, enum api_kind kind, const char *name);

/** Undo all that a call has edited. */
void api_undo(struct policy_call *c);
void api_plan_restore(struct policy_call *c);

/* api_body.c: req.body; raises where the policy or the phase may not. */
int api_body_push(lua_State *L, struct policy_call *c);

void api_texts_push(lua_State *L); /* api_texts.c: req.each_text */

/* api_field.c: neutral fields. Push the one that this call has edited, or
 * false: ask the view. `what` is "req.model"; the value is at 3. */
bool api_field_edited(lua_State *L, struct policy_call *c, int field);
int api_field_assign(lua_State *L, struct policy_call *c, int field,
                     const char *what);

/* headers.c: one field of a head that policies may set, both values on the
 * stack (nil removes). Raises for what is none, or is the core's. */
enum api_head { HEAD_OUT, HEAD_ANSWER };
void api_header_set(lua_State *L, struct policy_headers *to, enum api_head head,
                    int name, int value);
void api_headers_restore(struct policy_call *c);

/**
 * Read what a phase returned (at idx) into c->out. Raises when it is nothing
 * that the phase may return.
 */
void decision_read(lua_State *L, struct policy_call *c, int idx);
/** decision_queue.c: the arguments at 1 become an unmarked decision; read. */
void decision_queue_new(lua_State *L);
void decision_queue_read(lua_State *L, struct policy_call *c, int idx);

/** A finished denial on the stack, as ps.deny makes it, that names the row:
 * .limit = "tokens", .per = "key". */
struct limit_refusal;
void decision_push_refusal(lua_State *L, const struct limit_refusal *why);

/** Limits from the table on top, in the arena; raises. */
struct conf_limits api_limits_read(lua_State *L, struct arena *a);

/** A principal from the table at idx, in the arena; raises. */
struct principal *principal_read(lua_State *L, struct arena *a, int idx);

#endif
