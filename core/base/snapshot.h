/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A snapshot: read-only data that one process makes and others map. It is a
 * sealed memfd with a kind ("config", "addresses"), a generation and named
 * sections of bytes. Sealed means that nobody can change, grow or cut it any
 * more, not even its maker: what was checked once stays true, and reading it
 * can never fault.
 *
 * The descriptor goes from process to process; each maps it and may close it.
 * Counting references is for one thread.
 */
#ifndef PENSTOCK_BASE_SNAPSHOT_H
#define PENSTOCK_BASE_SNAPSHOT_H

#include "base/err.h"

#define SNAPSHOT_KIND_MAX 15
#define SNAPSHOT_NAME_MAX 111
#define SNAPSHOT_SECTIONS_MAX 65536
#define SNAPSHOT_BYTES_MAX ((uint64_t)1 << 30)

/* ---- making one -------------------------------------------------------- */

struct snapshot_builder;

/** NULL with *err: LIMIT (the kind's name), IO, NOMEM. */
struct snapshot_builder *snapshot_builder_new(const char *kind,
                                              uint64_t generation,
                                              struct err *err);

/**
 * Add a section; the bytes are copied (they may be none). Sections start at
 * multiples of 64 bytes.
 *
 * Errors:  EXISTS, LIMIT (name, sections or bytes over the caps above), IO,
 *          NOMEM; the builder is then only good for free
 * Cost:    one copy into the memfd
 */
int snapshot_builder_add(struct snapshot_builder *b, struct str name,
                         struct str bytes, struct err *err);

/**
 * Finish and seal.
 *
 * Returns the descriptor (close-on-exec, now the caller's) or -ERR_IO or
 * -ERR_NOMEM. The builder is then only good for free.
 */
int snapshot_builder_seal(struct snapshot_builder *b, struct err *err);

/** NULL is fine; also after sealing. */
void snapshot_builder_free(struct snapshot_builder *b);

/* ---- reading one ------------------------------------------------------- */

struct snapshot;

/**
 * Map a snapshot. Its seals and every bound in it are checked here, so that
 * reading needs no checks. The descriptor stays the caller's and may be
 * closed at once.
 *
 * Returns one reference, or NULL: SYNTAX (not a sealed snapshot, or one of
 * another build), IO, NOMEM.
 */
struct snapshot *snapshot_open(int fd, struct err *err);

/** One more reference; returns s. NULL is fine for both. */
struct snapshot *snapshot_ref(struct snapshot *s);

/** The last one unmaps: all borrowed from it ends then. */
void snapshot_unref(struct snapshot *s);

const char *snapshot_kind(const struct snapshot *s);
uint64_t snapshot_generation(const struct snapshot *s);

/** A section's bytes, borrowed; p is NULL when there is none of this name.
 * O(1). */
struct str snapshot_section(const struct snapshot *s, struct str name);

/** The sections in the order in which they were added; start with *at = 0,
 * false after the last. */
bool snapshot_next(const struct snapshot *s, size_t *at, struct str *name,
                   struct str *bytes);

#endif
