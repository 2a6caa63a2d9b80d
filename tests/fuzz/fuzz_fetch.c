/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a cloud answers, or what stands in its files: a byte that says of
 * which source, then texts with a NUL between them, the first a file (a
 * profile's has the cache of its sign-on behind it), the others answers.
 * Whatever they are, a run ends with a secret that may stand in a header and
 * an end that lies ahead, or with a reason.
 */
#include "keeper/fetch.h"
#include "keeper/fetch_ini.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

enum { NOW = 1000000, STEPS = 8 };

static struct str file, cache;

static const char *on_env(void *ud, const char *name)
{
    (void)ud;
    return strcmp(name, "AWS_REGION") == 0 ? "eu-west-1"
           : strcmp(name, "HOME") == 0     ? "/h"
           : strcmp(name, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES") == 0
               ? "1" : NULL;
}

static int on_read(void *ud, const char *path, struct buf *out)
{
    (void)ud;
    return buf_put(out, strstr(path, "/sso/cache/") ? cache : file) ? -ERR_IO
                                                                    : 0;
}

static int on_write(void *ud, const char *path, struct str text)
{
    (void)ud;
    MUST(path[0] == '/' && text.n);
    return 0;
}

static uint64_t on_wall(void *ud)
{
    (void)ud;
    return NOW;
}

static const struct fetch_world world = { on_env, on_read, on_write,
                                          on_wall, NULL };

static void check_ini(void)
{
    struct str v = ini_get(file, STR("default"), "aws_access_key_id");

    MUST(!v.n || (v.p >= file.p && v.p + v.n <= file.p + file.n));
    MUST(!v.n || ini_has(file, STR("default")));
}

static void check_got(const struct fetch_run *r)
{
    struct str s = buf_str(&r->secret);

    MUST(s.n != 0);
    for (size_t i = 0; i < s.n; i++)
        MUST(isgraph((unsigned char)s.p[i]));
    MUST(r->ends_ms == 0 || r->ends_ms > NOW);
}

/* Words and settings that execve takes: a full path, and a NUL at each end. */
static void check_program(const struct fetch_run *r)
{
    struct str words = buf_str(&r->words), env = buf_str(&r->settings);

    MUST(words.n && words.p[0] == '/' && !words.p[words.n - 1]);
    MUST(env.n && !env.p[env.n - 1] && r->program_ms);
}

static void run(const struct conf_fetch *conf, struct str rest)
{
    struct fetch_run r;
    enum fetch_next next;

    fetch_init(&r, conf, &world);
    next = fetch_begin(&r);
    for (int i = 0; i < STEPS && next < FETCH_GOT && rest.p; i++) {
        if (next == FETCH_CALL)
            MUST(r.method && fetch_url_ok(buf_str(&r.url)));
        else
            check_program(&r);
        next = fetch_answer(&r, next == FETCH_PROGRAM ? i % 5 == 4
                                : i % 5 == 4          ? 500 : 200,
                            str_split(&rest, '\0'));
    }
    if (next == FETCH_GOT)
        check_got(&r);
    else if (next == FETCH_FAILED)
        MUST(*r.why && !strchr(r.why, '\n'));
    fetch_clear(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_fetch confs[] = {
        { .kind = FETCH_GOOGLE, .source = STR("account") },
        { .kind = FETCH_GOOGLE, .source = STR("metadata") },
        { .kind = FETCH_AWS, .source = STR("web_identity"),
          .role = STR("r"), .token_file = STR("/t") },
        { .kind = FETCH_AWS, .source = STR("profile"), .file = STR("/f") },
        { .kind = FETCH_AWS, .source = STR("instance") },
        { .kind = FETCH_ENTRA, .source = STR("managed") },
        { .kind = FETCH_ENTRA, .source = STR("workload"),
          .tenant = STR("t"), .client_id = STR("c"),
          .token_file = STR("/t") },
        { .kind = FETCH_AWS, .source = STR("profile"), .programs = true,
          .file = STR("/f"), .config_file = STR("/f"),
          .profile = STR("p") },
    };
    struct str rest = { (const char *)data + 1, size - 1 };
    struct conf_fetch *conf;

    if (size < 2)
        return 0;
    conf = &confs[data[0] % (sizeof confs / sizeof *confs)];
    conf->scope = STR("s");
    file = str_split(&rest, '\0');
    cache = conf->programs ? str_split(&rest, '\0') : STR_NULL;
    check_ini();
    conf->secret.hidden_ = data[0] & 0x80 ? file : STR_NULL;
    run(conf, rest);
    return 0;
}
