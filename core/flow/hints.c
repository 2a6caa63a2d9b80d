/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What clients say of a request besides its body: the conversation that it
 * belongs to, and tags. Read when a policy asks, once. */
#include "flow/policies.h"

enum { SESSION_MAX = 256, TAGS_MAX = 32, TAG_NAME_MAX = 64, TAG_MAX = 256 };

/*
 * Fields that name a conversation, ours first: Claude Code, Codex (both
 * spellings were sent), opencode, and what other clients and proxies agreed
 * on. Sources: code.claude.com/docs/en/llm-gateway-protocol; the clients' own
 * repositories (read 2026-11).
 */
static const char *const session_fields[] = {
    "x-penstock-session", "x-claude-code-session-id", "session-id",
    "session_id",         "x-opencode-session",       "x-session-id",
    "x-session-affinity",
};

static struct str header(const struct request *r, const char *name)
{
    return r->http ? http_req_header(r->http, str_of(name)) : STR_NULL;
}

struct str hints_session(struct request *r)
{
    size_t n = sizeof session_fields / sizeof session_fields[0];

    for (size_t i = 0; i < n && !r->session.n; i++) {
        struct str s = header(r, session_fields[i]);

        if (s.n && s.n <= SESSION_MAX)
            r->session = arena_dup(r->arena, s);
    }
    return r->session.n ? r->session : STR_NULL;
}

/* "name=value"; what is none is left out: a client's, it may be anything. */
static bool read_tag(struct request *r, struct str part,
                     struct conf_pair *out)
{
    struct str value = part, name = str_trim(str_split(&value, '='));

    value = str_trim(value);
    if (!value.p || !name.n || name.n > TAG_NAME_MAX || value.n > TAG_MAX)
        return false;
    out->key = arena_dup(r->arena, name);
    out->value = arena_dup(r->arena, value);
    return out->key.p && out->value.p;
}

size_t hints_tags(void *req, const struct conf_pair **out)
{
    struct request *r = req;
    struct str rest = header(r, "x-penstock-tags");

    if (!r->tags && rest.n)
        r->tags = arena_alloc(r->arena, TAGS_MAX * sizeof *r->tags);
    while (r->tags && !r->tags_read && rest.p && r->n_tags < TAGS_MAX)
        r->n_tags += read_tag(r, str_split(&rest, ','), &r->tags[r->n_tags]);
    r->tags_read = true;
    *out = r->tags;
    return r->n_tags;
}

void hints_keep(struct request *r)
{
    const struct conf_pair *tags;

    hints_session(r);
    hints_tags(r, &tags);
}
