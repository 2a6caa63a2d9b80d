/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A conversation in the order of dialects where what a tool answered is a
 * message of its own, directly behind the assistant that called it. For the
 * codec_*.c files.
 */
#ifndef PENSTOCK_WIRE_CODEC_TURNS_H
#define PENSTOCK_WIRE_CODEC_TURNS_H

#include "wire/codec_put.h"

/** How a dialect writes each kind of message. */
struct cw_turn_ops {
    void (*instructions)(struct cw *c, const struct neutral_message *m);
    void (*assistant)(struct cw *c, const struct neutral_message *m);
    /* `asked`: the assistant that called, or NULL */
    void (*result)(struct cw *c, const struct neutral_result *r,
                   const struct neutral_message *asked);
    /* what the user said, cw_own's blocks; not called where there are none */
    void (*user)(struct cw *c, const struct neutral_message *m);
};

/**
 * Write all messages. Calls that the conversation went on without get a
 * result that says so (noted); images in results go to the user's message.
 *
 * Errors: INVALID_REQUEST in c->err (too many calls in one turn)
 * Cost:   O(blocks), and the calls of a turn times its results
 */
void cw_turns(struct cw *c, const struct cw_turn_ops *ops);

/** What stands in a user's own message: its blocks but results, and of those
 * the media. Start with { m->first, NULL }. */
struct cw_own {
    const struct neutral_block *next, *inner;
};
const struct neutral_block *cw_own_next(struct cw_own *own);

/** Texts as one string: the inside, `between` (escaped) between them. Marks
 * on them are noted as dropped. */
void cw_joined(struct cw *c, const struct neutral_block *first,
               struct str between);

/** The readable thinking of a turn, as one string; what somebody signed, and
 * what nobody may read, is noted as dropped. */
void cw_thinking_text(struct cw *c, const struct neutral_message *m);
bool cw_has_thinking(const struct cw *c, const struct neutral_message *m);

/** c->r with the tools alone that the client's choice leaves: put into *copy,
 * which c->r points to from then on. */
void cw_narrow_tools(struct cw *c, struct neutral_request *copy);

/** Note what of the request's rest these dialects have no member for. */
void cw_drop_rest(struct cw *c);

#endif
