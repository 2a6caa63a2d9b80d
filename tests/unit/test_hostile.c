/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Hostile and careless scripts, tests/policies/hostile.lua: each is stopped
 * within its CPU budget of 50 ms (10 ms more for one tick and one call of C),
 * takes its fail mode, and leaves the policy as good as new. CPU time is
 * measured, not wall time.
 */
#include "policy_rows.h"

enum { CPU_MS = 60 * UNIT_CPU_FACTOR, TRIES = 15, TOO_LONG = 1000000 };

static double worst;
static size_t worst_row, n_unseen;

static double run_phase(struct fake *f, enum policy_phase p)
{
    double t0 = cpu_ms();

    f->notes[0] = '\0';
    fake_run(f, p);
    return cpu_ms() - t0;
}

/* What does not take the CPU's budget may meet it first on a slow machine:
 * then it is tried again. Where that is so each time, it is still stopped in
 * time, and only its own reason was not seen. */
static bool met_cpu_first(const struct fake *f, const struct row *row)
{
    return row->says && !strstr(f->notes, row->says) &&
           strstr(f->notes, "CPU budget");
}

/* CPU milliseconds that it took to be refused; *unseen if it was refused for
 * these and not for its own reason; all else is checked. */
static double run_closed(struct fake *f, const struct row *row, size_t i,
                         bool *unseen)
{
    double spent = run_phase(f, PHASE_ADMIT);

    if (row->says) {
        UNIT_INT(f->out.verdict, POLICY_FAILED);
        UNIT_INT(f->out.err_code, ERR_POLICY_FAILED);
        *unseen = met_cpu_first(f, row);
        if (*unseen)
            return spent;
        if (!strstr(f->notes, row->says))
            printf("\n%zu: '%s' is not in '%s'", i + 1, row->says, f->notes);
        CU_ASSERT_PTR_NOT_NULL(strstr(f->notes, row->says));
    }
    CU_ASSERT(strlen(f->notes) < 2000);
    return spent;
}

static double run_open(struct fake *f, const struct row *row)
{
    double spent = run_phase(f, PHASE_LOG);

    UNIT_INT(f->out.verdict, POLICY_NONE);
    if (row->says)
        CU_ASSERT_PTR_NOT_NULL(strstr(f->notes, "failed open"));
    return spent;
}

static double run_row(const struct row *row, size_t i, bool *unseen)
{
    struct fake f;
    double spent;

    if (!row_open(&f, row->body)) {
        CU_FAIL("the row does not compile");
        return 0;
    }
    spent = run_closed(&f, row, i, unseen);
    row_usable(&f);
    if (i % 3 == 0 || getenv("PENSTOCK_LONG")) {
        double open = run_open(&f, row);

        spent = open > spent ? open : spent;
        row_usable(&f);
    }
    fake_clear(&f);
    return spent;
}

/* On a shared machine the host's pauses are charged to us too, and a
 * neighbour's use of the caches: a script is too slow only if it was so each
 * time, since what it does of its own accord it does each time. */
static void all_are_stopped(void)
{
    static struct rows rows;

    rows_open(&rows, "tests/policies/hostile.lua");
    CU_ASSERT(rows.n >= 150);
    for (size_t i = 0; i < rows.n; i++) {
        double spent = TOO_LONG;
        bool unseen = true;

        for (int n = 0; n < TRIES && (spent > CPU_MS || unseen); n++) {
            bool by_cpu = false;
            double s = run_row(&rows.row[i], i, &by_cpu);

            spent = s < spent ? s : spent;
            unseen = unseen && by_cpu;
        }
        n_unseen += unseen;
        if (spent > CPU_MS)
            printf("\n%zu: %.1f ms: %s", i + 1, spent, rows.row[i].body);
        CU_ASSERT(spent <= CPU_MS);
        worst_row = spent > worst ? i + 1 : worst_row;
        worst = spent > worst ? spent : worst;
    }
    CU_ASSERT(n_unseen <= rows.n / 10);
    printf("\n%zu scripts; the slowest, number %zu, had %.1f ms of CPU; %zu "
           "met the CPU's budget before their own\n", rows.n, worst_row,
           worst, n_unseen);
    rows_close(&rows);
}

UNIT_MAIN("hostile", { "all are stopped", all_are_stopped })
