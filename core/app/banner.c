/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The banner. The curl line in it works as it is printed. */
#include "app/banner.h"

#include "app/master.h"
#include "engine/config.h"

#include <unistd.h>

static const char *open_to(const struct config *c, const struct conf_listen *l)
{
    if (l->anonymous == ANON_PUBLIC)
        return "open to everybody who reaches it (anonymous = \"public\")";
    if (l->anonymous == ANON_LOCAL)
        return "open to programs on this machine, without a key";
    return c->n_keys ? "for callers with a key" : "for callers whom a policy "
                                                  "knows";
}

/** A model that the curl line can name: literal, else sim's. */
static void put_model(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < c->n_models; i++) {
        struct str name = c->models[i].name;

        if (str_find(name, STR("*")) < 0) {
            buf_put(out, name);
            return;
        }
    }
    for (size_t i = 0; c->n_models == 0 && i < c->n_providers; i++) {
        if (str_is(c->providers[i].vendor, "sim")) {
            buf_put(out, c->providers[i].name);
            buf_puts(out, "/echo");
            return;
        }
    }
    if (c->n_models == 0 && c->n_providers > 0)
        buf_put(out, c->providers[0].name);
    buf_puts(out, c->n_models ? "MODEL" : "/MODEL");
}

/** The listener to show: a TCP one, the most open first. */
static const struct listener *shown(const struct master *m, size_t *index)
{
    const struct listener *best = NULL;

    for (size_t i = 0; i < m->listeners.n; i++) {
        const struct conf_listen *l = &m->config->listens[i];

        if (str_starts(str_of(m->listeners.list[i].address), STR("unix:")))
            continue;
        if (!best || (m->config->listens[*index].anonymous == ANON_NONE &&
                      l->anonymous != ANON_NONE)) {
            best = &m->listeners.list[i];
            *index = i;
        }
    }
    return best;
}

/** An address to connect to: a wildcard is reached by loopback. */
static void put_host(struct buf *out, const char *address)
{
    if (strncmp(address, "0.0.0.0:", 8) == 0)
        buf_printf(out, "127.0.0.1:%s", address + 8);
    else if (strncmp(address, "[::]:", 5) == 0)
        buf_printf(out, "[::1]:%s", address + 5);
    else
        buf_puts(out, address);
}

static void put_try(const struct master *m, struct buf *out)
{
    size_t index = 0;
    const struct listener *l = shown(m, &index);
    const struct conf_listen *conf = &m->config->listens[index];

    if (!l)
        return;
    buf_puts(out, "\nTry it:\n\n  curl ");
    if (conf->n_tls)
        buf_puts(out, "-k ");
    buf_puts(out, conf->n_tls ? "https://" : "http://");
    put_host(out, l->address);
    buf_puts(out, "/v1/chat/completions \\\n"
                  "    -H 'content-type: application/json' \\\n");
    if (conf->anonymous == ANON_NONE)
        buf_puts(out, "    -H \"authorization: Bearer $PENSTOCK_KEY\" \\\n");
    buf_puts(out, "    -d '{\"model\":\"");
    put_model(m->config, out);
    buf_puts(out, "\",\"messages\":[{\"role\":\"user\","
                  "\"content\":\"Hello!\"}]}'\n");
}

int banner_text(const struct master *m, struct buf *out)
{
    buf_printf(out, "penstock " PS_VERSION ": %zu worker%s, configuration: "
                    "%s\n\n", m->n_workers, m->n_workers == 1 ? "" : "s",
               m->file ? m->file : "built in");
    for (size_t i = 0; i < m->listeners.n; i++) {
        const struct conf_listen *l = &m->config->listens[i];
        const char *address = m->listeners.list[i].address;
        bool local = str_starts(str_of(address), STR("unix:"));

        buf_printf(out, "  %s%s  %s\n",
                   local       ? ""
                   : l->n_tls ? "https://"
                              : "http://",
                   address, open_to(m->config, l));
    }
    if (*m->metrics_address)
        buf_printf(out, "  http://%s/metrics  open to everybody who reaches "
                        "it\n", m->metrics_address);
    buf_puts(out, "  providers:");
    for (size_t i = 0; i < m->config->n_providers; i++)
        buf_printf(out, "%s " STR_FMT, i ? "," : "",
                   STR_ARG(m->config->providers[i].name));
    buf_putc(out, '\n');
    if (geteuid() == 0 && !m->loaded.rights.change)
        buf_puts(out, "  workers run as root: name a user of their own by "
                      "server { user = \"...\" }\n");
    put_try(m, out);
    return buf_puts(out, "\nStop it with Ctrl-C; `penstock status` shows how "
                         "it is.\n\n");
}

void banner_print(const struct master *m)
{
    struct buf out = BUF_INIT(65536);

    if (banner_text(m, &out) == 0 &&
        write(STDERR_FILENO, out.p, buf_len(&out)) < 0)
        return; /* nobody reads it */
    buf_clear(&out);
}
