/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Programs that give a credential: what is run, and what it may see. */
#include "keeper/fetch.h"

#include <stdio.h>

/* Of our own environment, in which keys may stand, no more than this. */
static const char *const passed_on[] = {
    "PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_REGION", "AWS_DEFAULT_REGION",
};

void fetch_setting(struct fetch_run *r, const char *name, struct str value)
{
    size_t before = r->settings.n;

    if (memchr(value.p ? value.p : "", '\0', value.n) ||
        buf_printf(&r->settings, "%s=" STR_FMT, name, STR_ARG(value)) ||
        buf_putc(&r->settings, '\0'))
        r->settings.n = before;
}

/* One word from `line` on; its quotes and backslashes are left out. False:
 * a quote that does not end, or no room. */
static bool take_word(struct str *line, struct buf *out)
{
    char quote = 0;

    for (; line->n && (quote || !strchr(" \t", *line->p));
         line->p++, line->n--) {
        char c = *line->p;

        if (!c)
            return false;
        if (c == quote || (!quote && (c == '"' || c == '\''))) {
            quote = quote ? 0 : c;
            continue;
        }
        if (c == '\\' && quote != '\'' && line->n > 1 &&
            (!quote || strchr("\"\\", line->p[1]))) {
            line->p++;
            line->n--;
            c = *line->p;
        }
        if (!c || buf_putc(out, c))
            return false;
    }
    return !quote && buf_putc(out, '\0') == 0;
}

static bool take_words(struct str line, struct buf *out)
{
    size_t n = 0;

    for (line = str_trim(line); line.n; line = str_trim(line)) {
        if (++n > FETCH_WORDS || !take_word(&line, out))
            return false;
    }
    return n != 0;
}

enum fetch_next fetch_program(struct fetch_run *r, struct str line,
                              unsigned ms)
{
    secret_wipe(&r->words);
    secret_wipe(&r->settings);
    if (!take_words(line, &r->words))
        return fetch_fail(r, "%s: the command line has a quote that does not "
                          "end, or more than %d words", r->source->name,
                          FETCH_WORDS);
    if (buf_str(&r->words).p[0] != '/')
        return fetch_fail(r, "%s: the program must be named by its full path",
                          r->source->name);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++) {
        struct str v = fetch_env(r, passed_on[i]);

        if (v.n)
            fetch_setting(r, passed_on[i], v);
    }
    r->program_ms = ms;
    return FETCH_PROGRAM;
}
