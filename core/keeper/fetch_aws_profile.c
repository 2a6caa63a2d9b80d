/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Profiles of the shared files: what is at the end of the chain of roles is
 * had first, then one role after the other is assumed. Sources: docs.aws.
 * amazon.com/sdkref/latest/guide/ file-format.html, feature-assume-role-
 * credentials.html (read 2026-11-26).
 *
 * A profile that cannot be served is refused and said why, never passed over:
 * that would be to sign as somebody else.
 */
#include "keeper/fetch_aws.h"
#include "keeper/fetch_ini.h"

#include <stdio.h>

/* run.which: who answers. */
enum base { BASE_KEYS, BASE_ROLE, BASE_WEB, BASE_PROCESS, BASE_SSO,
            BASE_ENV, BASE_CONTAINER, BASE_INSTANCE };

/* ---- the files ---------------------------------------------------------- */

struct str aws_section_value(const struct aws_files *f, const char *kind,
                             struct str name, const char *key)
{
    char section[256];
    int n = snprintf(section, sizeof section, "%s " STR_FMT, kind,
                     STR_ARG(name));

    if (n < 0 || (size_t)n >= sizeof section)
        return STR_NULL;
    return ini_get(buf_str(&f->config), str_of(section), key);
}

struct str aws_value(const struct aws_files *f, struct str profile,
                     const char *key)
{
    struct str v = ini_get(buf_str(&f->credentials), profile, key);

    if (!v.n)
        v = aws_section_value(f, "profile", profile, key);
    if (!v.n && str_is(profile, "default"))
        v = ini_get(buf_str(&f->config), profile, key);
    return v;
}

static bool has_profile(const struct aws_files *f, struct str profile)
{
    char section[256];
    int n = snprintf(section, sizeof section, "profile " STR_FMT,
                     STR_ARG(profile));

    if (n < 0 || (size_t)n >= sizeof section)
        *section = '\0';
    return ini_has(buf_str(&f->credentials), profile) ||
           (*section && ini_has(buf_str(&f->config), str_of(section))) ||
           (str_is(profile, "default") &&
            ini_has(buf_str(&f->config), profile));
}

/* False: it is too long. */
static bool path_of(const struct fetch_run *r, struct str said,
                    const char *name, char out[1024])
{
    struct str home = fetch_env(r, "HOME");
    int n = said.n ? snprintf(out, 1024, STR_FMT, STR_ARG(said))
                   : snprintf(out, 1024, STR_FMT "/.aws/%s", STR_ARG(home),
                              name);

    return n >= 0 && n < 1024;
}

struct paths {
    char config[1024], credentials[1024];
};

static bool find_files(const struct fetch_run *r, struct paths *p)
{
    struct str credentials = fetch_said(r, r->conf->file,
                                        "AWS_SHARED_CREDENTIALS_FILE");
    struct str config = fetch_said(r, r->conf->config_file,
                                   "AWS_CONFIG_FILE");

    return path_of(r, credentials, "credentials", p->credentials) &&
           path_of(r, config, "config", p->config);
}

/* Either may be missing. The one that is to blame; NULL: there is one. */
static const char *read_files(struct fetch_run *r, struct aws_files *f,
                              const struct paths *p)
{
    int a = r->world->read(r->world->ud, p->credentials, &f->credentials);
    int b = r->world->read(r->world->ud, p->config, &f->config);

    if (b == -ERR_IO && a != -ERR_IO)
        return p->config;
    if (a == -ERR_IO || (a && (b || r->conf->file.n)))
        return p->credentials;
    return b && r->conf->config_file.n ? p->config : NULL;
}

/* ---- the chain ---------------------------------------------------------- */

static const struct {
    const char *name;
    enum base base;
    enum fetch_next (*begin)(struct fetch_run *r);
} sources[] = {
    { "Environment", BASE_ENV, aws_env_begin },
    { "EcsContainer", BASE_CONTAINER, aws_container_begin },
    { "Ec2InstanceMetadata", BASE_INSTANCE, aws_instance_begin },
};

static enum fetch_next by_source(struct fetch_run *r, struct str name)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        enum fetch_next next;

        if (!str_is(name, sources[i].name))
            continue;
        r->which = sources[i].base;
        next = sources[i].begin(r);
        return next == FETCH_ABSENT
                   ? fetch_fail(r, "profile: its credential_source %s is not "
                                "set up here", sources[i].name)
                   : next;
    }
    return fetch_fail(r, "profile: credential_source is none of Environment, "
                      "EcsContainer and Ec2InstanceMetadata");
}

static enum fetch_next by_keys(struct fetch_run *r, const struct aws_files *f,
                               struct str name)
{
    struct aws_set s = { aws_value(f, name, "aws_access_key_id"),
                         aws_value(f, name, "aws_secret_access_key"),
                         aws_value(f, name, "aws_session_token") };

    r->which = BASE_KEYS;
    /* a file is changed by hand or by a tool: look again now and then */
    r->look_again = buf_len(&r->chain) == 0;
    return aws_put(r, &s);
}

static enum fetch_next by_process(struct fetch_run *r, struct str name,
                                  struct str line)
{
    if (!r->conf->programs)
        return fetch_fail(r, "profile: \"" STR_FMT "\" has "
                          "credential_process, which runs if aws = { programs "
                          "= true } says so", STR_ARG(name));
    r->which = BASE_PROCESS;
    return aws_process_begin(r, line);
}

/* A profile that assumes no role. ABSENT: it has nothing to do with keys. */
static enum fetch_next base(struct fetch_run *r, const struct aws_files *f,
                            struct str name)
{
    struct str line = aws_value(f, name, "credential_process");

    if (aws_value(f, name, "aws_access_key_id").n)
        return by_keys(r, f, name);
    if (aws_value(f, name, "sso_session").n ||
        aws_value(f, name, "sso_start_url").n) {
        r->which = BASE_SSO;
        return aws_sso_begin(r, f, name);
    }
    return line.n ? by_process(r, name, line) : FETCH_ABSENT;
}

static enum fetch_next by_web_identity(struct fetch_run *r,
                                       const struct aws_files *f,
                                       struct str name)
{
    struct aws_identity id = {
        .role = aws_value(f, name, "role_arn"),
        .token_file = aws_value(f, name, "web_identity_token_file"),
        .session = aws_value(f, name, "role_session_name"),
        .region = aws_region(r, aws_value(f, name, "region")) };

    r->which = BASE_WEB;
    return aws_web_identity(r, &id);
}

/* A profile with a role. *next: whose credentials assume it; n 0: what is
 * returned is what to do. */
static enum fetch_next role(struct fetch_run *r, const struct aws_files *f,
                            struct str name, struct str *next)
{
    struct str source = aws_value(f, name, "credential_source");

    *next = aws_value(f, name, "source_profile");
    if (aws_value(f, name, "mfa_serial").n) {
        *next = STR_NULL;
        return fetch_fail(r, "profile: \"" STR_FMT "\" has mfa_serial, and "
                          "nobody is here to type a code: use a role that "
                          "wants none", STR_ARG(name));
    }
    if (!next->n && !source.n &&
        aws_value(f, name, "web_identity_token_file").n)
        return by_web_identity(r, f, name);
    if ((next->n != 0) == (source.n != 0)) {
        *next = STR_NULL;
        return fetch_fail(r, "profile: \"" STR_FMT "\" has role_arn, and %s "
                          "source_profile and credential_source; say one",
                          STR_ARG(name), source.n ? "both" : "none of");
    }
    if (!aws_role_push(r, f, name)) {
        *next = STR_NULL;
        return fetch_fail(r, "profile: the role of \"" STR_FMT "\" is too "
                          "long, or its duration_seconds is not 900..43200",
                          STR_ARG(name));
    }
    return next->n ? FETCH_ABSENT : by_source(r, source);
}

struct walk {
    struct str seen[AWS_CHAIN_MAX + 1];
    size_t n;
};

static bool was_here(const struct walk *w, struct str name)
{
    for (size_t i = 0; i < w->n; i++) {
        if (str_eq(w->seen[i], name))
            return true;
    }
    return false;
}

static enum fetch_next lost(struct fetch_run *r, const struct walk *w,
                            struct str name)
{
    struct buf path = BUF_INIT(FETCH_WHY);

    for (size_t i = 0; i < w->n; i++)
        buf_printf(&path, STR_FMT " > ", STR_ARG(w->seen[i]));
    if (was_here(w, name))
        fetch_fail(r, "profile: source_profile goes in a circle: " STR_FMT
                   STR_FMT, STR_ARG(buf_str(&path)), STR_ARG(name));
    else
        fetch_fail(r, "profile: more than %d roles in a chain: " STR_FMT
                   STR_FMT, AWS_CHAIN_MAX, STR_ARG(buf_str(&path)),
                   STR_ARG(name));
    buf_clear(&path);
    return FETCH_FAILED;
}

/* Along source_profile to the end. The keys of one that is a source are
 * taken rather than its role; and so are its own, where it names itself. */
static enum fetch_next walk(struct fetch_run *r, const struct aws_files *f,
                            struct str name)
{
    struct walk w = { .n = 0 };
    enum fetch_next next;

    for (;;) {
        bool keys = aws_value(f, name, "aws_access_key_id").n != 0;
        struct str source;

        if (w.n && !has_profile(f, name))
            return fetch_fail(r, "profile: source_profile \"" STR_FMT "\" is "
                              "in none of the files", STR_ARG(name));
        if ((w.n && keys) || !aws_value(f, name, "role_arn").n)
            return base(r, f, name);
        if (was_here(&w, name) || w.n == AWS_CHAIN_MAX)
            return lost(r, &w, name);
        w.seen[w.n++] = name;
        next = role(r, f, name, &source);
        if (!source.n)
            return next;
        name = source;
    }
}

/* ---- the source --------------------------------------------------------- */

/* A base is there, or a role: the next one. */
static enum fetch_next go_on(struct fetch_run *r, enum fetch_next next)
{
    if (next != FETCH_GOT || !buf_len(&r->chain))
        return next;
    r->which = BASE_ROLE;
    r->near = false;
    return aws_role_next(r);
}

static enum fetch_next of_files(struct fetch_run *r, const struct aws_files *f,
                                const struct paths *p, bool asked)
{
    struct str name = fetch_said(r, r->conf->profile, "AWS_PROFILE");
    enum fetch_next next;

    if (!name.n)
        name = STR("default");
    if (!has_profile(f, name))
        return asked ? fetch_fail(r, "profile: neither %s nor %s has \""
                                  STR_FMT "\"", p->credentials, p->config,
                                  STR_ARG(name))
                     : FETCH_ABSENT;
    next = walk(r, f, name);
    if (next == FETCH_ABSENT && (asked || buf_len(&r->chain)))
        return fetch_fail(r, "profile: \"" STR_FMT "\", or what it is assumed "
                          "from, says no key, sso_session or "
                          "credential_process", STR_ARG(name));
    return go_on(r, next);
}

enum fetch_next aws_profile_begin(struct fetch_run *r)
{
    bool asked = fetch_said(r, r->conf->profile, "AWS_PROFILE").n ||
                 r->conf->file.n || r->conf->config_file.n || r->only;
    struct aws_files f = { BUF_INIT(FETCH_TEXT_MAX),
                           BUF_INIT(FETCH_TEXT_MAX) };
    enum fetch_next next = FETCH_ABSENT;
    const char *missing;
    struct paths p;

    if (!find_files(r, &p))
        return fetch_fail(r, "profile: the path of its files is too long");
    missing = read_files(r, &f, &p);
    if (!missing)
        next = of_files(r, &f, &p, asked);
    else if (asked || buf_len(&f.credentials) || buf_len(&f.config))
        next = fetch_fail(r, "profile: %s cannot be read", missing);
    secret_wipe(&f.config);
    secret_wipe(&f.credentials);
    if (next != FETCH_ABSENT)
        r->only = true; /* what a profile names is not passed over */
    return next;
}

enum fetch_next aws_profile_answer(struct fetch_run *r, int status,
                                   struct str body)
{
    static enum fetch_next (*const answers[])(struct fetch_run *, int,
                                              struct str) = {
        [BASE_ROLE] = aws_put_xml,
        [BASE_WEB] = aws_put_xml,
        [BASE_PROCESS] = aws_process_answer,
        [BASE_SSO] = aws_sso_answer,
        [BASE_CONTAINER] = aws_put_json,
        [BASE_INSTANCE] = aws_instance_answer,
    };

    return go_on(r, answers[r->which](r, status, body));
}
