/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Memory that a plugin takes by itself, from libc or C++'s runtime, made to
 * run out. The entries of its tables of outside functions (the GOT) are
 * pointed at functions here, which count and on demand fail: the core's own
 * memory stays as it is, and so does everybody's under a sanitizer. For the
 * conformance runner's child alone: it is never undone.
 */
#ifndef PENSTOCK_ENGINE_CONFORM_MEMORY_H
#define PENSTOCK_ENGINE_CONFORM_MEMORY_H

#include "base/err.h"
#include "engine/plugin.h"

/** Of the run that is on. A process has one: libc's calls carry no handle. */
struct conform_memory {
    uint32_t calls;   /* that take memory */
    uint32_t fail_at; /* the nth of them fails; 0 = none */
    int64_t live;     /* pieces taken less pieces given back */
};
extern struct conform_memory conform_memory;

/**
 * Hook the calls of a loaded plugin, and of C++'s runtime where it came along.
 *
 *   returns  how many places were changed (0: it takes none), or -ERR_IO
 *            (pages that cannot be written)
 */
int conform_memory_hook(const struct plugin *p, struct err *err);

/** Begin to count from nothing. */
void conform_memory_begin(uint32_t fail_at);

#endif
