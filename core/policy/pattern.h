/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Lua patterns (manual, section 6.4.1) with a bound on the work: a step is
 * one character tried against one pattern item, or one return to an earlier
 * choice; long sets and back references count by their bytes. Where Lua's
 * own matcher recurses, this one keeps a short stack of choices, so that its
 * depth is bounded too. Knows nothing of Lua states.
 */
#ifndef PENSTOCK_POLICY_PATTERN_H
#define PENSTOCK_POLICY_PATTERN_H

#include "base/str.h"

enum {
    PATTERN_CAPTURES = 32,
    PATTERN_CHOICES = 200, /* open choices at a time */
    PATTERN_STEPS = 1000000, /* per call, plus 8 for each subject byte */
};

/* Length of a capture that is a position, and of one not yet closed. */
enum { CAPTURE_POSITION = -2, CAPTURE_OPEN = -1 };

struct capture {
    const char *at;
    ptrdiff_t n;
};

struct pattern {
    struct str subject, pattern;
    struct capture captures[PATTERN_CAPTURES];
    int level;      /* captures made by the last match */
    uint64_t steps; /* left */
    bool (*expired)(void); /* asked every few thousand steps; may be NULL */
    const char *fault; /* static text; set when pattern_match returns -1 */
    int bad_capture;   /* 1-based number that the fault is about, or -1 */
    int first; /* pattern_first.c's own, with what follows; 0 at first */
    unsigned char first_byte;
    const char *first_item, *first_end;
    uint8_t first_map[32]; /* a bit for each byte */
};

/** Prepare; `pattern` without its anchor. */
void pattern_init(struct pattern *p, struct str subject, struct str pattern);

/** Fresh steps for another call on the same strings. */
void pattern_again(struct pattern *p);

/**
 * Match at subject.p + at, anchored there.
 *
 * Returns the end's offset, -2 when it does not match, -1 with p->fault.
 */
ptrdiff_t pattern_match(struct pattern *p, size_t at);

/**
 * The first place at or after `at` where a match may begin; subject.n is one
 * that must be tried. O(distance), about 1 ns a byte, no steps.
 */
size_t pattern_next(struct pattern *p, size_t at);

enum { PATTERN_FAULT = -1, PATTERN_NO = -2 };

#endif
