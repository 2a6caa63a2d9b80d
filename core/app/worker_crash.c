/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Last words: only calls that are safe in a signal handler, on a stack of its
 * own. */
#include "app/worker.h"

#include "base/log.h"

#include <signal.h>
#include <unistd.h>

static struct process_cell *me; /* a handler has no argument for it */
static char stack[32768];

struct line {
    char text[256];
    size_t n;
};

static void put(struct line *l, const char *s, size_t max)
{
    for (size_t i = 0; i < max && s[i] && l->n < sizeof l->text; i++) {
        char c = s[i];

        l->text[l->n++] = c < 0x20 || c > 0x7e ? '?' : c;
    }
}

static void put_number(struct line *l, unsigned v)
{
    char digits[12];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    put(l, digits + at, sizeof digits - at);
}

static void last_words(int signo)
{
    struct line l = { .n = 0 };
    const struct crumb *c = &me->crumb;

    put(&l, "penstock worker ", 99);
    put_number(&l, atomic_load(&me->slot));
    put(&l, " (pid ", 99);
    put_number(&l, (unsigned)getpid());
    put(&l, "): fatal signal ", 99);
    put_number(&l, (unsigned)signo);
    if (atomic_load(&c->kind) != CRUMB_NONE) {
        put(&l, atomic_load(&c->kind) == CRUMB_PLUGIN ? " in plugin "
                                                      : " in policy ", 99);
        put(&l, c->what, sizeof c->what);
        put(&l, ", request ", 99);
        put(&l, c->request, sizeof c->request);
    }
    if (l.n == sizeof l.text)
        l.n--;
    l.text[l.n++] = '\n';
    if (write(STDERR_FILENO, l.text, l.n) < 0)
        return; /* and die, see SA_RESETHAND */
}

static void on_fatal(int signo)
{
    log_flush(); /* lines of requests that were over in this turn */
    last_words(signo);
    cells_crashed(me); /* last: what it reads may be damaged */
    raise(signo); /* SA_RESETHAND: the default is in force again */
}

void worker_crash_handler(struct process_cell *p)
{
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
    stack_t alt = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction sa = { .sa_handler = on_fatal,
                            .sa_flags = SA_ONSTACK | SA_RESETHAND };

    me = p;
    sigaltstack(&alt, NULL);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
        struct sigaction old;

        if (sigaction(fatal[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(fatal[i], &sa, NULL);
    }
}
