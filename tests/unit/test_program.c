/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Programs that are run for what they write: what they see, how they end,
 * and what is left of them. */
#include "keeper/program.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop *loop;
static struct programs all;
static struct loop_timer late;
static char text[8192], reason[128];
static int status, done;

static void on_late(void *ud)
{
    (void)ud;
    loop_stop(loop);
}

static void begin(void)
{
    loop = loop_new();
    all = (struct programs){ .loop = loop };
    loop_timer_init(&late, loop, on_late, NULL);
}

static void end(void)
{
    loop_timer_stop(&late);
    programs_close(&all);
    loop_free(loop);
}

static void on_done(void *ud, const char *why, int code, struct str output)
{
    (void)ud;
    snprintf(reason, sizeof reason, "%s", why ? why : "");
    snprintf(text, sizeof text, STR_FMT, STR_ARG(output));
    status = code;
    done++;
    loop_stop(loop);
}

/* Runs /bin/sh -c `script` to its end. */
static void run(const char *script, unsigned limit_ms, size_t max)
{
    char words[1024];
    int n = snprintf(words, sizeof words, "/bin/sh%c-c%c%s", 0, 0, script) + 1;
    const struct program_spec spec = {
        .words = { words, (size_t)n },
        .settings = STR("PATH=/usr/bin:/bin\0ONE=1\0"),
        .limit_ms = limit_ms, .output_max = max, .on_done = on_done };
    const char *why;

    done = 0;
    loop_timer_set(&late, 20000);
    CU_ASSERT_PTR_NOT_NULL(program_start(&all, &spec, &why));
    loop_run(loop);
    UNIT_INT(done, 1);
}

static void what_it_sees(void)
{
    int fd = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */

    begin();
    setenv("A_SECRET", "x", 1);
    run("env | grep -v '^PWD=\\|^_=\\|^SHLVL=\\|^OLDPWD=' | sort; pwd; "
        "cat; ls /proc/self/fd | wc -l; umask; ulimit -c", 10000, 4096);
    UNIT_STR(reason, "");
    UNIT_INT(status, 0);
    /* 0, 1, 2 and the one that `ls` reads */
    UNIT_STR(text, "ONE=1\nPATH=/usr/bin:/bin\n/\n4\n0077\n0\n");
    close(fd);
    /* pid and session of a shell; no terminal */
    run("read a b c d e f g h </proc/$$/stat; [ $f = $a ] && echo $g", 10000,
        4096);
    UNIT_STR(text, "0\n");
    end();
}

static void how_it_ends(void)
{
    const struct program_spec none = { .words = STR("/no/such/program\0"),
                                       .limit_ms = 10000, .output_max = 10,
                                       .on_done = on_done };
    const char *why;

    begin();
    run("echo no; exit 3", 10000, 4096);
    UNIT_STR(reason, "");
    UNIT_INT(status, 3);
    run("kill -9 $$", 10000, 4096);
    UNIT_STR(reason, "the program died of signal 9");
    run("exec sleep 60", 50, 4096);
    UNIT_STR(reason, "the program did not end in time");
    run("while :; do echo 0123456789012345678901234567890123456789; done",
        10000, 4096);
    UNIT_STR(reason, "the program writes too much");
    run("echo early; exec >&-; exec sleep 0.1", 10000, 4096);
    UNIT_STR(text, "early\n"); /* its output ended before it did */
    done = 0;
    CU_ASSERT_PTR_NOT_NULL(program_start(&all, &none, &why));
    loop_run(loop);
    UNIT_STR(reason, "the program cannot be started");
    end();
}

static bool is_gone(const char *digits)
{
    pid_t pid = (pid_t)atoi(digits);

    for (int i = 0; i < 400; i++) {
        char path[64], state[256] = "";
        FILE *f;

        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        f = fopen(path, "r");
        if (!f)
            return true;
        if (!fgets(state, sizeof state, f))
            *state = '\0';
        fclose(f);
        if (strstr(state, ") Z "))
            return true; /* nobody's child here reaps it */
        usleep(10000);
    }
    return false;
}

static void what_it_leaves(void)
{
    begin();
    run("sleep 60 >/dev/null & echo $!", 10000, 4096);
    CU_ASSERT(atoi(text) > 1);
    CU_ASSERT_TRUE(is_gone(text));
    end();
}

/* Nothing comes of one that is not wanted any more, and none is left. */
static void not_wanted(void)
{
    const struct program_spec spec = {
        .words = STR("/bin/sh\0-c\0exec sleep 60\0"),
        .limit_ms = 10000, .output_max = 10, .on_done = on_done };
    struct program *list[PROGRAMS_MAX];
    const char *why;

    begin();
    done = 0;
    for (size_t i = 0; i < PROGRAMS_MAX; i++)
        list[i] = program_start(&all, &spec, &why);
    CU_ASSERT_PTR_NULL(program_start(&all, &spec, &why));
    UNIT_STR(why, "too many programs run already");
    for (size_t i = 0; i < PROGRAMS_MAX; i++)
        program_cancel(list[i]);
    for (int i = 0; i < 1000 && all.n; i++) {
        loop_timer_set(&late, 10);
        loop_run(loop);
    }
    UNIT_INT(all.n, 0);
    UNIT_INT(done, 0);
    CU_ASSERT_PTR_NOT_NULL(program_start(&all, &spec, &why));
    programs_close(&all);
    UNIT_INT(all.n, 0);
    end();
}

UNIT_MAIN("program", {"what it sees", what_it_sees},
          {"how it ends", how_it_ends}, {"what it leaves", what_it_leaves},
          {"not wanted", not_wanted})
