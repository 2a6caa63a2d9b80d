/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The master's part in supervision: a worker's death or hang is charged to
 * the plugin or policy that its breadcrumb names, the log line says what to
 * do, and a plugin that is charged too often is quarantined.
 * See docs/design/plugins.md, "Charges and quarantine".
 */
#ifndef PENSTOCK_APP_CHARGE_H
#define PENSTOCK_APP_CHARGE_H

#include "app/lost.h"
#include "app/master.h"

/** Whom a worker was calling. */
struct suspect {
    enum crumb_kind kind; /* CRUMB_NONE: nobody */
    char name[68], op[48], request[32];
    const struct loaded_plugin *plugin; /* of a plugin: its file, or NULL */
    struct plugin_mark *mark;           /* the same */
};

/** Before a worker is forked: its plugins' files have marks, and those that
 * were in quarantine before the start are in it. */
void charge_enter(struct master *m);
/** Another generation is in force: what metrics say of its plugins. */
void charge_publish(const struct master *m);

/** Read the breadcrumb of a post's process, dead or alive. */
void charge_suspect(const struct master *m, const struct post *p,
                    struct suspect *s);
/** Its loop has not turned for so long: name who it is in. */
void charge_stuck(const struct master *m, const struct post *p,
                  uint64_t silent_ms);
/**
 * It is dead and nobody had asked for it: charge who it was in, log it, and
 * do what follows. `lost` is what it had in work. Fills p->why where that is
 * empty. Returns whether the generation that it served may be to blame.
 */
bool charge_death(struct master *m, struct post *p, int status,
                  const struct suspect *s, const struct lost *lost);

/** The bundle of a generation that is held yet, or NULL. */
const struct loaded *charge_loaded(const struct master *m,
                                   uint64_t generation);

/** Is this file in quarantine? O(marks). */
bool charge_is_out(const struct master *m, const struct loaded_plugin *p);
/** End the quarantine of a plugin's files, for good; *released is how many
 * that were. Errors: IO (the state folder would still say it: it stays). */
int charge_release(struct master *m, struct str name, size_t *released,
                   struct err *err);

#endif
