/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The control socket: who may what, lines whole and in pieces, one instance. */
#include "app/control.h"
#include "app/master.h"
#include "engine/config.h"

#include "unit.h"

#include <jansson.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];
static struct master m;
static struct config config;

static void open_it(void)
{
    struct err err = { 0 };

    snprintf(path, sizeof path, "/tmp/penstock-control-%d", (int)getpid());
    m = (struct master){ .config = &config, .phase = MASTER_RUNNING,
                         .signal_fd = -1, .lock_fd = -1 };
    m.loaded.rights.operators = (gid_t)-1;
    m.loaded.rights.uid = 12345;
    m.cells = cells_new(2, 2, &err);
    m.control = control_new(path, &err);
    if (!m.control)
        printf("%s\n", err.msg);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m.control);
}

static void close_it(void)
{
    control_free(m.control);
    cells_free(m.cells);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
}

/** Let the master's side work for a moment. */
static void serve(int turns)
{
    struct pollfd p[CONTROL_MAX_CONNS + 1];

    while (turns-- > 0) {
        size_t n = control_poll(m.control, p);

        if (poll(p, n, 20) > 0)
            control_serve(m.control, &m, p, n);
    }
}

static int dial(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(at.sun_path, path, strlen(path) + 1);
    UNIT_INT(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static json_t *answer_to(int fd, const char *line)
{
    char text[65536];
    ssize_t n;

    UNIT_INT(write(fd, line, strlen(line)), strlen(line));
    serve(3);
    n = recv(fd, text, sizeof text, MSG_DONTWAIT);
    return n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
}

static bool is_error(int fd, const char *line, const char *with)
{
    json_t *got = answer_to(fd, line);
    const char *message = "";
    bool yes;

    json_unpack(got, "{s:{s:s}}", "error", "message", &message);
    yes = strstr(message, with) != NULL && *message;
    if (!yes)
        printf("\n%s: %s", line, message);
    json_decref(got);
    return yes;
}

static void answers_lines(void)
{
    json_t *got;
    int fd;

    open_it();
    fd = dial();
    serve(1);
    got = answer_to(fd, "{\"verb\":\"status\"}\n");
    UNIT_STR(json_string_value(json_object_get(got, "phase")), "running");
    json_decref(got);
    UNIT_INT(write(fd, "{\"verb\":", 8), 8); /* in pieces */
    serve(2);
    got = answer_to(fd, "\"status\"}\n");
    CU_ASSERT_PTR_NOT_NULL(got);
    json_decref(got);
    CU_ASSERT_TRUE(is_error(fd, "{\"verb\":\"nonsense\"}\n", "not know"));
    CU_ASSERT_TRUE(is_error(fd, "nonsense\n", "JSON object"));
    CU_ASSERT_TRUE(is_error(fd, "{\"verb\":\"explain\"}\n", "an id"));
    CU_ASSERT_TRUE(is_error(fd, "{\"verb\":\"explain\",\"id\":\"x\"}\n",
                            "no recent"));
    close(fd);
    serve(2);
    close_it();
}

static void a_line_has_its_limit(void)
{
    char big[CONTROL_LINE_MAX + 10], c;
    int fd;

    open_it();
    fd = dial();
    serve(1);
    memset(big, 'x', sizeof big);
    UNIT_INT(write(fd, big, sizeof big), (int)sizeof big);
    serve(4);
    CU_ASSERT_TRUE(recv(fd, &c, 1, MSG_DONTWAIT) <= 0 && m.control);
    close(fd);
    close_it();
}

static void connections_have_their_limit(void)
{
    int fds[CONTROL_MAX_CONNS + 2];
    json_t *got;
    char c;

    open_it();
    for (int i = 0; i < CONTROL_MAX_CONNS; i++) {
        fds[i] = dial();
        serve(1);
    }
    for (int i = CONTROL_MAX_CONNS; i < CONTROL_MAX_CONNS + 2; i++) {
        fds[i] = dial();
        serve(1);
        UNIT_INT(recv(fds[i], &c, 1, 0), 0);
    }
    got = answer_to(fds[0], "{\"verb\":\"status\"}\n");
    CU_ASSERT_PTR_NOT_NULL(got);
    json_decref(got);
    for (int i = 0; i < CONTROL_MAX_CONNS + 2; i++)
        close(fds[i]);
    serve(CONTROL_MAX_CONNS);
    close_it();
}

/** As somebody else: look, but do not touch. */
static int other_main(void)
{
    static const char drain[] = "{\"verb\":\"drain\"}\n";
    char text[4096] = "";
    int fd;
    ssize_t n;

    if (setgid(54321) != 0 || setuid(54321) != 0)
        return 2;
    fd = dial();
    if (write(fd, drain, sizeof drain - 1) < 0)
        return 3;
    n = recv(fd, text, sizeof text - 1, 0);
    return n > 0 && strstr(text, "not allowed") ? 0 : 4;
}

static void others_may_only_look(void)
{
    int status = -1;
    pid_t pid;

    if (geteuid() != 0)
        UNIT_SKIP("only root can be others");
    open_it();
    pid = fork();
    if (pid == 0)
        _exit(other_main());
    for (int i = 0; i < 100 && waitpid(pid, &status, WNOHANG) == 0; i++)
        serve(1);
    UNIT_INT(WEXITSTATUS(status), 0);
    UNIT_INT(m.phase, MASTER_RUNNING);
    close_it();
}

static void one_instance_per_socket(void)
{
    struct err err = { 0 };
    int fd;

    open_it();
    CU_ASSERT_PTR_NULL(control_new(path, &err));
    UNIT_INT(err.code, ERR_EXISTS);
    control_close_fds(m.control); /* as if it had been killed */
    UNIT_INT(access(path, F_OK), 0);
    err.code = 0;
    free(m.control);
    m.control = control_new(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m.control);
    fd = dial();
    close(fd);
    serve(2);
    close_it();
}

static void asks_as_a_client(void)
{
    struct buf reply = BUF_INIT(65536);
    struct err err = { 0 };
    int sock = -1, status;
    pid_t pid;

    open_it();
    pid = fork();
    if (pid == 0) {
        serve(40);
        _exit(0);
    }
    UNIT_INT(control_ask(&sock, path, STR("{\"verb\":\"status\"}"), &reply,
                         &err), 0);
    UNIT_INT(control_ask(&sock, path, STR("{\"verb\":\"status\"}"), &reply,
                         &err), 0);
    CU_ASSERT_TRUE(str_starts(buf_str(&reply), STR("{\"version\"")));
    CU_ASSERT_EQUAL(reply.p[reply.n - 1], '}');
    close(sock);
    waitpid(pid, &status, 0);
    close_it();
    sock = -1;
    UNIT_INT(control_ask(&sock, path, STR("{}"), &reply, &err),
             -ERR_NOTFOUND);
    buf_clear(&reply);
}

UNIT_MAIN("control", {"answers lines", answers_lines},
          {"a line has its limit", a_line_has_its_limit},
          {"connections have their limit", connections_have_their_limit},
          {"others may only look", others_may_only_look},
          {"one instance per socket", one_instance_per_socket},
          {"asks as a client", asks_as_a_client})
