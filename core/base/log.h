/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The log: the one global. Events are rows of events.def ("area.what");
 * a line carries time, level, event, process and key=value fields, as JSON or
 * as text. User strings are quoted; secrets have a type that no field takes.
 *
 *   log_event(EV_worker_died, LOG_I("pid", pid), LOG_Z("why", why));
 *
 * base and net return errors and do not log; engine and above log, once.
 * Before log_open lines go to stderr as text. SIGPIPE must be ignored.
 */
#ifndef PENSTOCK_BASE_LOG_H
#define PENSTOCK_BASE_LOG_H

#include "base/str.h"

#include <stdatomic.h>

enum { LOG_GATHER_BYTES = 65536 - 64 };

/** Whole lines that are not written yet. In shared memory, so that a process
 * that is killed loses none. */
struct log_gathered {
    _Atomic uint32_t n;
    char text[LOG_GATHER_BYTES];
};

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

enum log_id {
#define EVENT_ROW(id, name, level, text) EV_##id,
#include "base/events.def"
#undef EVENT_ROW
    EV_COUNT
};

struct log_field {
    const char *key; /* NULL ends the list */
    enum { LOG_T_STR, LOG_T_INT, LOG_T_REAL, LOG_T_RAW } type;
    struct str s; /* LOG_T_RAW: ready JSON */
    int64_t i;
    double d;
};

#define LOG_S(key, str_) ((struct log_field){ key, LOG_T_STR, str_, 0, 0 })
#define LOG_Z(key, z) ((struct log_field){ key, LOG_T_STR, str_of(z), 0, 0 })
#define LOG_I(key, n) ((struct log_field){ key, LOG_T_INT, STR_NULL, n, 0 })
#define LOG_END ((struct log_field){ NULL, LOG_T_INT, STR_NULL, 0, 0 })

/** log_event(EV_x, LOG_I("pid", pid), LOG_Z("why", why)) */
#define log_event(id, ...)                                                    \
    log_fields(id, (const struct log_field[]){ __VA_ARGS__, LOG_END })

void log_fields(enum log_id id, const struct log_field *fields);

/**
 * Set up. `path` is "stderr" or a file, opened for append (again by
 * log_reopen). `process` names the writer in each line: "master", "worker 2".
 * Returns 0 or -1 with errno.
 */
int log_open(const char *path, enum log_format format, enum log_level level);
void log_process(const char *process);
int log_reopen(void);

/**
 * Write one finished line (no newline) as it stands: the access line. One
 * system call. Lines that cannot be written are counted, never waited for; a
 * line that went out in part is ended before the next one.
 */
void log_line(struct str line);

/**
 * As log_line, where the caller sees to it that log_flush runs at the end of
 * this turn of the loop: up to 64 KiB of lines go to a regular file in one
 * system call. To anything else the line is written at once.
 *
 * True when a flush is due. Not for use by two threads.
 */
bool log_gather(struct str line);
void log_flush(void);

/** From now on lines are gathered there; borrowed for the process's life. */
void log_gather_in(struct log_gathered *g);
/** Does a line that a dead process left hold this text? */
bool log_left_has(const struct log_gathered *g, struct str text);
/** Write what a dead process left, unless that is in the file already: it may
 * have died between the two. Empties g. Reads the file's last MiB at most. */
void log_left_write(struct log_gathered *g);
uint64_t log_lost(void);

#endif
