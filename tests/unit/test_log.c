/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The log: what a line looks like, that it is one line, that none waits. */
#include "unit.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "shared.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[] = "/tmp/penstock-log-XXXXXX";
static char path[96];

static void begin(enum log_format format, enum log_level level)
{
    static bool made;

    if (!made)
        CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    made = true;
    snprintf(path, sizeof path, "%s/log", folder);
    unlink(path);
    CU_ASSERT_FATAL(log_open(path, format, level) == 0);
    log_process("worker 2");
}

static char *end(void)
{
    struct str s = shared_read(path);
    char *z = str_dup(s);

    free((char *)(uintptr_t)s.p);
    return z;
}

/* From behind the time stamp. */
static const char *rest(const char *line)
{
    CU_ASSERT_FATAL(strlen(line) > 24);
    CU_ASSERT(line[4] == '-' && line[10] == 'T' && line[19] == '.' &&
              line[23] == 'Z');
    return line + 24;
}

static void writes_text(void)
{
    char *z;

    begin(LOG_TEXT, LOG_INFO);
    log_event(EV_worker_died, LOG_I("pid", -12), LOG_Z("why", "sig/11"),
              LOG_Z("who", "a \"b\"\n\x7f"), LOG_Z("empty", ""),
              ((struct log_field){ "x", LOG_T_REAL, STR_NULL, 0, 0.25 }));
    z = end();
    UNIT_STR(rest(z), " error worker.died [worker 2] pid=-12 why=sig/11 "
                      "who=\"a \\\"b\\\"\\n\\u007f\" empty=\"\" x=0.25\n");
    free(z);
}

static void writes_json(void)
{
    struct arena *a = arena_new(1 << 16);
    struct json j = { 0 };
    char *z;

    begin(LOG_JSON, LOG_INFO);
    log_event(EV_worker_died, LOG_I("pid", INT64_MIN),
              LOG_S("why", ((struct str){ "\xff\0\x1b[2J", 6 })),
              ((struct log_field){ "raw", LOG_T_RAW, STR("[1,{}]"), 0, 0 }),
              LOG_S("none", STR_NULL),
              ((struct log_field){ "x", LOG_T_REAL, STR_NULL, 0, 0.0 / 0.0 }));
    z = end();
    CU_ASSERT_FATAL(json_scan(&j, str_of(z), NULL, NULL) == 0);
    UNIT_INT(json_length(&j, 0), 9);
    CU_ASSERT(str_is(json_raw(&j, json_at(&j, STR("/level"))), "\"error\""));
    CU_ASSERT(str_is(json_raw(&j, json_at(&j, STR("/event"))),
                     "\"worker.died\""));
    CU_ASSERT(str_is(json_raw(&j, json_at(&j, STR("/process"))),
                     "\"worker 2\""));
    CU_ASSERT(str_is(json_raw(&j, json_at(&j, STR("/pid"))),
                     "-9223372036854775808"));
    CU_ASSERT(str_is(json_raw(&j, json_at(&j, STR("/why"))),
                     "\"\xEF\xBF\xBD\\u0000\\u001b[2J\""));
    CU_ASSERT(str_is(json_raw(&j, json_at(&j, STR("/x"))), "null"));
    CU_ASSERT(strchr(z, '\n') == z + strlen(z) - 1);
    free(z);
    json_clear(&j);
    arena_free(a);
}

static void keeps_to_its_level(void)
{
    char *z;

    begin(LOG_TEXT, LOG_WARN);
    log_event(EV_serve_ready, LOG_I("n", 1));
    log_event(EV_worker_stuck, LOG_I("n", 2));
    z = end();
    CU_ASSERT(strstr(z, "serve.ready") == NULL);
    CU_ASSERT(strstr(z, "warn  worker.stuck") != NULL);
    free(z);
}

static void bounds_its_lines(void)
{
    char *big = malloc(100000), *z;
    struct json j = { 0 };

    for (int i = 0; i < 33333; i++)
        memcpy(big + 3 * i, "\xE4\xBB\x8A", 3);
    begin(LOG_JSON, LOG_INFO);
    for (int round = 0; round < 2; round++) {
        log_event(EV_worker_died, LOG_S("a", ((struct str){ big, 99999 })),
                  LOG_S("b", ((struct str){ big, 99999 })),
                  LOG_S("c", ((struct str){ big, 99999 })),
                  LOG_S("d", ((struct str){ big, 99999 })),
                  LOG_S("e", ((struct str){ big, 99999 })), LOG_I("f", 1));
        memset(big, '\x01', 99999);
    }
    z = end();
    *strchr(z, '\n') = '\0';
    CU_ASSERT(strlen(z) < 16400 && strlen(z) > 12000);
    CU_ASSERT(json_scan(&j, str_of(z), NULL, NULL) == 0);
    CU_ASSERT(json_at(&j, STR("/f")) != JSON_NONE);
    CU_ASSERT(json_at(&j, STR("/e")) == JSON_NONE);
    json_clear(&j);
    free(z);
    free(big);
}

static void is_opened_again(void)
{
    char moved[sizeof path], *z;

    begin(LOG_TEXT, LOG_INFO);
    log_line(STR("one"));
    snprintf(moved, sizeof moved, "%s/log.1", folder);
    CU_ASSERT(rename(path, moved) == 0);
    log_line(STR("two"));
    CU_ASSERT(log_reopen() == 0);
    log_line(STR("three"));
    z = end();
    UNIT_STR(z, "three\n");
    free(z);
    memcpy(path, moved, sizeof path);
    z = end();
    UNIT_STR(z, "one\ntwo\n");
    free(z);
    unlink(moved);
    CU_ASSERT(log_open("/nonexistent/log", LOG_TEXT, LOG_INFO) == -1);
    log_line(STR("still the old one"));
    UNIT_INT(log_lost(), 0);
}

static void gathers_lines(void)
{
    char *z;
    char long_line[40000];

    begin(LOG_TEXT, LOG_INFO);
    CU_ASSERT(log_gather(STR("one")));
    CU_ASSERT(log_gather(STR("two")));
    z = end();
    UNIT_STR(z, "");
    free(z);
    log_line(STR("three")); /* behind what was gathered */
    CU_ASSERT(log_gather(STR("four")));
    log_flush();
    log_flush();
    z = end();
    UNIT_STR(z, "one\ntwo\nthree\nfour\n");
    free(z);
    memset(long_line, 'x', sizeof long_line);
    CU_ASSERT(log_gather((struct str){ long_line, sizeof long_line }));
    CU_ASSERT(log_gather((struct str){ long_line, sizeof long_line }));
    z = end();
    UNIT_INT(strlen(z), 19 + sizeof long_line + 1); /* full: written */
    free(z);
    log_flush();
    UNIT_INT(log_lost(), 0);
}

/* What a process gathered and was killed with, as the master finds it. */
static void writes_what_the_dead_left(void)
{
    static struct log_gathered left;
    char *z;

    begin(LOG_TEXT, LOG_INFO);
    log_gather_in(&left);
    CU_ASSERT(log_gather(STR("id=1 one")));
    CU_ASSERT(log_gather(STR("id=2 two")));
    CU_ASSERT(log_left_has(&left, STR("id=2")));
    CU_ASSERT(!log_left_has(&left, STR("id=3")));
    log_gather_in(NULL); /* written; but say it died before it noted that */
    UNIT_INT(left.n, 0);
    left.n = 18;
    log_line(STR("a neighbour's"));
    log_left_write(&left);
    z = end();
    UNIT_STR(z, "id=1 one\nid=2 two\na neighbour's\n");
    free(z);
    memcpy(left.text, "id=3 one\nid=4 two\nid=5", 22);
    left.n = 22; /* it went wrong: half a line is none */
    log_left_write(&left);
    UNIT_INT(left.n, 0);
    z = end();
    UNIT_STR(z, "id=1 one\nid=2 two\na neighbour's\nid=3 one\nid=4 two\n");
    free(z);
    left.n = 1u << 31;
    memset(left.text, 0, sizeof left.text);
    log_left_write(&left);
    UNIT_INT(left.n, 0);
    UNIT_INT(log_lost(), 0);
}

static void gathers_only_for_files(void)
{
    char got[64];
    int fds[2];

    CU_ASSERT_FATAL(pipe(fds) == 0);
    snprintf(path, sizeof path, "/dev/fd/%d", fds[1]);
    CU_ASSERT_FATAL(log_open(path, LOG_TEXT, LOG_INFO) == 0);
    CU_ASSERT(!log_gather(STR("now")));
    UNIT_INT(read(fds[0], got, sizeof got), 4);
    close(fds[0]);
    close(fds[1]);
}

/* stderr becomes fd for the time of the test. */
static int swap_stderr(int fd)
{
    int saved = dup(STDERR_FILENO);

    dup2(fd, STDERR_FILENO);
    CU_ASSERT(log_open("stderr", LOG_TEXT, LOG_INFO) == 0);
    return saved;
}

static void restore_stderr(int saved)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    CU_ASSERT(log_open("stderr", LOG_TEXT, LOG_INFO) == 0);
}

static size_t drain(int fd, char *out, size_t size)
{
    size_t n = 0;
    ssize_t got;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (n < size && (got = read(fd, out + n, size - n)) > 0)
        n += (size_t)got;
    return n;
}

/* Fill what nobody reads: lines are lost, none waits, none is torn for good. */
static void never_waits(int fds[2])
{
    size_t size = 4 << 20, n;
    char *got = malloc(size), line[6001];
    uint64_t start = clock_mono_ms(), lost = log_lost();
    int saved = swap_stderr(fds[1]);
    bool torn;

    memset(line, 'x', 6000);
    line[6000] = '\0';
    for (int i = 0; i < 1000; i++)
        log_line(str_of(line));
    CU_ASSERT(log_lost() > lost);
    CU_ASSERT(clock_mono_ms() - start < 5000);
    CU_ASSERT(!(fcntl(fds[1], F_GETFL) & O_NONBLOCK));
    n = drain(fds[0], got, size);
    CU_ASSERT_FATAL(n > 6001);
    torn = got[n - 1] != '\n';
    lost = log_lost();
    log_line(STR("after"));
    UNIT_INT(log_lost(), lost);
    n = drain(fds[0], got, size);
    CU_ASSERT(n >= 6 && memcmp(got + n - 6, "after\n", 6) == 0);
    CU_ASSERT(torn ? n == 7 && got[0] == '\n' : n == 6);
    restore_stderr(saved);
    close(fds[0]);
    close(fds[1]);
    free(got);
}

static void never_waits_for_a_pipe(void)
{
    int fds[2];

    CU_ASSERT_FATAL(pipe(fds) == 0);
    never_waits(fds);
}

static void never_waits_for_a_socket(void)
{
    int fds[2];

    CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    never_waits(fds);
}

static void survives_a_gone_reader(void)
{
    int fds[2], saved;
    uint64_t lost = log_lost();

    CU_ASSERT_FATAL(pipe(fds) == 0);
    signal(SIGPIPE, SIG_IGN);
    saved = swap_stderr(fds[1]);
    close(fds[0]);
    log_line(STR("x"));
    UNIT_INT(log_lost(), lost + 1);
    restore_stderr(saved);
    close(fds[1]);
    unlink(path);
    snprintf(path, sizeof path, "%s/log", folder);
    unlink(path);
    rmdir(folder);
}

UNIT_MAIN("log", { "writes text", writes_text },
          { "writes JSON", writes_json },
          { "keeps to its level", keeps_to_its_level },
          { "bounds its lines", bounds_its_lines },
          { "is opened again", is_opened_again },
          { "writes what the dead left", writes_what_the_dead_left },
          { "gathers lines", gathers_lines },
          { "gathers only for files", gathers_only_for_files },
          { "never waits for a pipe", never_waits_for_a_pipe },
          { "never waits for a socket", never_waits_for_a_socket },
          { "survives a gone reader", survives_a_gone_reader })
