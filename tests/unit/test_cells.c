/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Shared cells across fork: claims, requests of the dead, retired counts. */
#include "engine/cells_layout.h"

#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

static struct cells *cells_or_die(uint32_t processes, uint32_t requests)
{
    struct err err = { 0 };
    struct cells *c = cells_new(processes, requests, &err);

    if (!c) {
        printf("%s\n", err.msg);
        exit(2);
    }
    return c;
}

static void claims_until_full(void)
{
    struct cells *c = cells_or_die(2, 4);
    struct process_cell *a = cells_claim(c, PROC_WORKER, 0);
    struct process_cell *b = cells_claim(c, PROC_KEEPER, 0);
    uint32_t at = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    CU_ASSERT_PTR_NULL(cells_claim(c, PROC_WORKER, 1));
    CU_ASSERT_PTR_EQUAL(cells_next(c, &at), a);
    CU_ASSERT_PTR_EQUAL(cells_next(c, &at), b);
    CU_ASSERT_PTR_NULL(cells_next(c, &at));
    cells_reap(c, a, NULL, NULL);
    CU_ASSERT_PTR_EQUAL(cells_claim(c, PROC_WORKER, 1), a);
    CU_ASSERT_NOT_EQUAL(cells_boot_id(c), 0);
    cells_free(c);
}

static void requests_come_and_go(void)
{
    struct cells *c = cells_or_die(1, 3);
    struct request_cell *r[3];

    cells_enter(c, cells_claim(c, PROC_WORKER, 0));
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            r[i] = cells_request_begin(c, STR("req"), STR("chat"));
        CU_ASSERT_PTR_NOT_NULL(r[2]);
        CU_ASSERT_PTR_NULL(cells_request_begin(c, STR("x"), STR("chat")));
        cells_request_end(NULL);
        for (int i = 0; i < 3; i++)
            cells_request_end(r[i]);
    }
    CU_ASSERT_PTR_NULL(cells_request_begin(NULL, STR("x"), STR("chat")));
    cells_request_note(NULL, STR("p"), STR("t"));
    cells_free(c);
}

/** The child takes two requests, ends one, counts, and is killed. */
static void live_and_die(struct cells *c, struct process_cell *p)
{
    struct request_cell *a, *b;

    cells_enter(c, p);
    a = cells_request_begin(c, STR("req_done"), STR("chat"));
    b = cells_request_begin(c, STR("req_lost"), STR("chat"));
    cells_request_note(b, STR("a principal with a name of over forty bytes!"),
                       STR("sim/echo"));
    cells_request_end(a);
    metric_add(METRIC_LOG_LOST, NULL, 3);
    explain_put(STR("req_done"), STR("{\"ok\":1}"));
    crumb_enter(CRUMB_PLUGIN, STR("sim"), STR("adjust"), STR("req_lost"));
    cells_request_begin(c, STR("req_over"), STR("chat"));
    CU_ASSERT(log_gather(STR("the line of req_over")));
    _exit(9);
}

struct tally {
    int n;
    struct request_cell last;
};

static void on_lost(void *ud, const struct request_cell *r)
{
    struct tally *t = ud;

    t->n++;
    t->last = *r;
    explain_put(str_of(r->id), STR("{\"ended\":\"worker_lost\"}"));
}

static void the_dead_are_accounted(void)
{
    struct cells *c = cells_or_die(3, 8);
    struct process_cell *p = cells_claim(c, PROC_WORKER, 2);
    struct buf out = BUF_INIT(1 << 20);
    char path[] = "/tmp/penstock-unit-XXXXXX", log[64] = "";
    struct tally t = { 0 };
    int fd = mkstemp(path);
    pid_t pid;

    CU_ASSERT_FATAL(fd >= 0 && log_open(path, LOG_TEXT, LOG_INFO) == 0);
    pid = fork();
    if (pid == 0)
        live_and_die(c, p);
    waitpid(pid, NULL, 0);
    UNIT_INT(atomic_load(&p->pid), pid);
    UNIT_STR(p->crumb.what, "sim adjust");
    UNIT_STR(p->crumb.request, "req_lost");
    UNIT_INT(read(fd, log, sizeof log - 1), 0);
    cells_reap(c, p, on_lost, &t);
    UNIT_INT(read(fd, log, sizeof log - 1), 21);
    UNIT_STR(log, "the line of req_over\n"); /* and it is not lost */
    CU_ASSERT(log_open("stderr", LOG_TEXT, LOG_INFO) == 0);
    close(fd);
    unlink(path);
    UNIT_INT(t.n, 1);
    UNIT_STR(t.last.id, "req_lost");
    UNIT_STR(t.last.target, "sim/echo");
    UNIT_STR(t.last.endpoint, "chat");
    UNIT_INT(strlen(t.last.principal), 39);
    CU_ASSERT_TRUE(t.last.start_ns > 0);

    UNIT_INT(cells_metrics_text(c, &out), 0);
    buf_putc(&out, '\0');
    CU_ASSERT_PTR_NOT_NULL(strstr(out.p, "log_lines_lost_total 3\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out.p, "penstock_workers 0\n"));
    buf_reset(&out);
    UNIT_INT(cells_explain(c, STR("req_done"), &out), 0);
    UNIT_INT(cells_explain(c, STR("req_lost"), &out), 0);
    UNIT_INT(cells_explain(c, STR("req_none"), &out), -ERR_NOTFOUND);

    /* the next in that cell starts clean and keeps what can be explained */
    CU_ASSERT_PTR_EQUAL(cells_claim(c, PROC_WORKER, 2), p);
    cells_reap(c, p, on_lost, &t);
    UNIT_INT(t.n, 1);
    UNIT_INT(cells_explain(c, STR("req_done"), &out), 0);
    buf_clear(&out);
    cells_free(c);
}

static void workers_are_counted(void)
{
    struct cells *c = cells_or_die(4, 1);
    struct buf out = BUF_INIT(1 << 20);

    for (uint32_t i = 0; i < 2; i++) {
        struct process_cell *p = cells_claim(c, PROC_WORKER, i);

        atomic_store(&p->state, i ? PROC_DRAINING : PROC_READY);
        cells_beat(p, 1000, 5, 7);
        UNIT_INT(atomic_load(&p->beat_ms), 1000);
    }
    cells_beat(cells_claim(c, PROC_KEEPER, 0), 1, 100, 100);
    UNIT_INT(cells_metrics_text(c, &out), 0);
    buf_putc(&out, '\0');
    CU_ASSERT_PTR_NOT_NULL(strstr(out.p, "penstock_workers 1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out.p, "penstock_requests_in_flight 10\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out.p, "penstock_connections 14\n"));
    buf_clear(&out);
    cells_free(c);
}

/** Counters never go back, not even while a column is being retired. */
static void a_reader_never_sees_a_step_back(void)
{
    struct cells *c = cells_or_die(2, 1);
    pid_t pid = fork();
    int status = 1;

    if (pid == 0) {
        struct buf out = BUF_INIT(1 << 20);
        unsigned long long last = 0, now = 0;

        do {
            char *at;

            buf_reset(&out);
            if (cells_metrics_text(c, &out) != 0)
                _exit(3);
            buf_putc(&out, '\0');
            at = strstr(out.p, "\npenstock_worker_log_lines_lost_total ");
            now = at ? strtoull(at + 38, NULL, 10) : 0;
            if (!at || now < last || now > 300)
                _exit(4);
            last = now;
        } while (now < 300);
        _exit(0);
    }
    for (int i = 0; i < 300; i++) {
        struct process_cell *p = cells_claim(c, PROC_WORKER, 0);

        metrics_here(cells_block(c, 0).column);
        metric_add(METRIC_LOG_LOST, NULL, 1);
        cells_reap(c, p, NULL, NULL);
        if (i % 10 == 0)
            usleep(1000);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    UNIT_INT(WEXITSTATUS(status), 0);
    cells_free(c);
}

static struct process_cell *worker_in(struct cells *c, uint32_t slot,
                                      uint64_t started_ms)
{
    struct process_cell *p = cells_claim(c, PROC_WORKER, slot);

    atomic_store(&p->state, PROC_READY);
    atomic_store(&p->started_ms, started_ms);
    return p;
}

static void one_worker_leads(void)
{
    struct cells *c = cells_or_die(5, 1);
    struct process_cell *b = worker_in(c, 1, 10), *a = worker_in(c, 0, 20);
    struct process_cell *young = worker_in(c, 0, 30);
    struct process_cell *keeper = cells_claim(c, PROC_KEEPER, 0);

    atomic_store(&keeper->state, PROC_READY);
    CU_ASSERT_TRUE(cells_leads(c, young));
    CU_ASSERT_FALSE(cells_leads(c, a));
    CU_ASSERT_FALSE(cells_leads(c, b));
    atomic_store(&young->state, PROC_STARTING);
    CU_ASSERT_FALSE(cells_leads(c, young));
    CU_ASSERT_TRUE(cells_leads(c, a));
    atomic_store(&a->state, PROC_DRAINING);
    CU_ASSERT_FALSE(cells_leads(c, a));
    CU_ASSERT_TRUE(cells_leads(c, b));
    atomic_store(&a->state, PROC_READY);
    atomic_store(&a->beat_ms, 1); /* it hangs, and does not know */
    CU_ASSERT_TRUE(cells_leads(c, b));
    cells_reap(c, a, NULL, NULL);
    cells_reap(c, young, NULL, NULL);
    CU_ASSERT_TRUE(cells_leads(c, b));
    cells_free(c);
}

/* Who dies in a call leaves what stands for that request's body. */
static void a_crash_leaves_its_body(void)
{
    struct cells *c = cells_or_die(1, 3);
    struct process_cell *p = cells_claim(c, PROC_WORKER, 0);
    struct request_cell *a, *b;

    cells_enter(c, p);
    a = cells_request_begin(c, STR("req_a"), STR("chat"));
    b = cells_request_begin(c, STR("req_b"), STR("chat"));
    cells_request_body(a, STR("body of a"));
    cells_request_body(b, STR("body of b"));
    cells_request_body(NULL, STR("nobody's"));
    cells_crashed(p); /* not in a call */
    CU_ASSERT_EQUAL(atomic_load(&p->crash_body), 0);
    crumb_enter(CRUMB_PLUGIN, STR("acme"), STR("open"), STR_NULL);
    cells_crashed(p); /* for no request */
    CU_ASSERT_EQUAL(atomic_load(&p->crash_body), 0);
    crumb_enter(CRUMB_PLUGIN, STR("acme"), STR("adjust"), STR("req_b"));
    cells_crashed(p);
    CU_ASSERT_EQUAL(atomic_load(&p->crash_body),
                    charges_body(STR("body of b")));
    cells_request_end(b);
    atomic_store(&p->crash_body, 0);
    cells_crashed(p); /* that request is over: its body is gone */
    CU_ASSERT_EQUAL(atomic_load(&p->crash_body), 0);
    cells_free(c);
}

static void tries_are_a_generations(void)
{
    struct cells *c = cells_or_die(1, 1);
    struct process_cell *p = cells_claim(c, PROC_WORKER, 0);

    cells_generation(p, 1);
    cells_judge_tries(p, 3, 2);
    cells_judge_tries(p, 1, 0);
    CU_ASSERT_EQUAL(atomic_load(&p->verdicts.tries), 4);
    CU_ASSERT_EQUAL(atomic_load(&p->verdicts.broken), 2);
    cells_generation(p, 2);
    CU_ASSERT_EQUAL(atomic_load(&p->verdicts.tries), 0);
    CU_ASSERT_EQUAL(atomic_load(&p->verdicts.broken), 0);
    cells_free(c);
}

UNIT_MAIN("cells", {"claims until full", claims_until_full},
          {"requests come and go", requests_come_and_go},
          {"the dead are accounted", the_dead_are_accounted},
          {"workers are counted", workers_are_counted},
          {"a crash leaves its body", a_crash_leaves_its_body},
          {"tries are a generation's", tries_are_a_generations},
          {"one worker leads", one_worker_leads},
          {"a reader never sees a step back", a_reader_never_sees_a_step_back})
