/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A signal finds its work in globals: a handler is given nothing else. */
#include "cli/tidy.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static struct {
    char paths[TIDY_MAX][512];
    volatile sig_atomic_t n;
    volatile pid_t owner;
    sigset_t before;
} state;

static void on_signal(int signo)
{
    if (getpid() == state.owner) {
        for (int i = state.n; i > 0; i--) {
            if (unlink(state.paths[i - 1]) != 0)
                rmdir(state.paths[i - 1]);
        }
    }
    raise(signo); /* SA_RESETHAND: it ends us now */
}

static void listen_to(int signo)
{
    struct sigaction sa = { .sa_handler = on_signal,
                            .sa_flags = (int)SA_RESETHAND }, old;

    if (sigaction(signo, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        sigaction(signo, &sa, NULL); /* one that is ignored stays so */
}

void tidy_hold(void)
{
    sigset_t held;

    sigemptyset(&held);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaddset(&held, signals[i]);
        listen_to(signals[i]);
    }
    sigprocmask(SIG_BLOCK, &held, &state.before);
    state.owner = getpid();
}

void tidy_go(void)
{
    sigprocmask(SIG_SETMASK, &state.before, NULL);
}

void tidy_note(const char *path)
{
    char *to;

    if (state.n == TIDY_MAX)
        return;
    to = state.paths[state.n];
    if (snprintf(to, sizeof *state.paths, "%s", path) <
        (int)sizeof *state.paths)
        state.n++;
}

size_t tidy_count(void)
{
    return (size_t)state.n;
}

void tidy_forget(size_t n)
{
    if (n < (size_t)state.n)
        state.n = (sig_atomic_t)n;
}
