/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the output*.c files; see output.h. */
#ifndef PENSTOCK_FLOW_OUTPUT_IMPL_H
#define PENSTOCK_FLOW_OUTPUT_IMPL_H

#include "flow/output.h"
#include "policy/output_window.h"

/** A block that has text. */
struct output_lane {
    struct wire_block block;
    struct output_window window;
    struct buf like; /* its last event, where the dialect asks for each */
    bool again;    /* it repeats, whole, what other lanes said in pieces */
    bool ended;    /* policies saw the last of it */
    bool touched;  /* the event at hand has text of it */
    bool was_empty; /* before that text */
    bool ending;   /* it ends with this event */
    bool over;     /* and no later kind of block is why */
    uint32_t n_items, last_item; /* in the event at hand */
    uint32_t mark; /* hold = "all": where its text belongs; 0: nowhere yet */
};

/** A block that began, with or without text. */
struct output_open {
    struct wire_block block;
    bool ended;
    bool in_head; /* hold = "all": the client has its begin */
};

/** What stands in the place of an item's text. */
struct output_piece {
    bool ours;           /* its text is in the lane */
    uint32_t lane;
    size_t end;          /* of its text, in that of its lane */
    size_t said, said_n; /* in output.said */
    bool edit;
};

/** hold = "all": a place in the log where a block's text belongs. */
struct output_mark {
    size_t at;
    uint32_t lane;
};

struct output {
    const struct output_ops *ops;
    void *ud;
    enum dialect dialect;
    const struct wire_text_ops *wire;
    struct arena *names;
    struct policy_output wants;
    bool off;         /* all failed open: everything passes */
    bool over;        /* the stream's end was seen: nothing follows it */
    bool whole;       /* it is not streamed */
    bool late;        /* policies are asked at the end only */
    bool last;        /* the event at hand is the last, and has texts */
    bool content;
    uint64_t roles;   /* said so far */
    struct policy_window window;
    struct policy_result verdict;
    struct output_text text;
    struct wire_texts items;      /* of the event at hand */
    struct output_piece *pieces;  /* one for each item */
    struct wire_splice *splices;
    size_t cap_pieces;
    struct output_lane *lanes;
    uint32_t n_lanes, cap_lanes;
    struct output_open *open;
    uint32_t n_open, cap_open;
    struct buf out;   /* for the client */
    struct buf said;  /* JSON strings of the event at hand */
    struct buf like;  /* JSON of an event: its envelope */
    struct buf first; /* of the first one, where the dialect asks for it */
    struct buf log;   /* hold = "all": events that say more than text */
    bool repeats;     /* some of them what other events said */
    size_t head;      /* of the log: what comes before any content */
    bool head_over;
    struct output_mark *marks;
    uint32_t n_marks, cap_marks;
    bool keeps;             /* see output_may_end */
    struct wire_kept *kept; /* what has left, where the dialect asks for it */
    struct buf fresh;       /* what is about to be */
    size_t n_kept;          /* bytes of `out` that are */
};

/* output.c */
/** Is text of this kind held, and edited? */
bool output_acts(const struct output *o, uint8_t kind);
/** Search an event or a body; room for a piece per item. */
int output_find(struct output *o, struct str name, const struct json *j);
/** Will it all fit: bytes held and these, blocks and these? */
bool output_fits(const struct output *o, const struct json *j, size_t more);
/** The lane of an item, made where it is new. NULL: no memory. */
struct output_lane *output_lane(struct output *o, const struct wire_item *i);
/** Put the event's texts into their lanes; those become `touched`. */
int output_gather(struct output *o, const struct json *j);
/** Show a lane's text to policies; the edited form is in o->text. */
int output_ask(struct output *o, struct output_lane *lane, bool final);
/** Put text into o->said, for the piece of an item. */
int output_say(struct output *o, struct output_piece *p, struct str text);
/** An item whose value is no string: policies see it at once and whole. */
int output_raw(struct output *o, const struct json *j, uint32_t item);
/** The splices of the event at hand, in order; how many. */
size_t output_splices(struct output *o, const struct json *j);
/** An event of our own with text of that lane; nothing for no text. */
int output_carry(struct output *o, const struct output_lane *lane,
                 struct str text);
/** Let a lane's text go, as it is. */
int output_let_go(struct output *o, struct output_lane *lane);
/** Grow a list: room for one more of `size` bytes behind `n`. */
int output_room(void **list, uint32_t n, uint32_t *cap, size_t size);

/* output_open.c: blocks that began and ended */
int output_track(struct output *o, bool in_head);

/** What is in `out` will leave: note it. */
int output_keep(struct output *o);

/* output_hold.c: hold = "all" */
int output_hold_event(struct output *o, const struct sse_event *ev,
                      const struct json *j);
int output_hold_mark(struct output *o, uint32_t lane);
/** Ask about every block, then let all of it go; unedited: without asking. */
int output_hold_end(struct output *o, bool asks);

/* output_event.c */
/** Which lanes end with the event at hand? */
void output_mark_ends(struct output *o);
/** Would it, as it is now, say nothing? Not so where it had no text of ours. */
bool output_is_idle(const struct output *o);
/** Append an event with its splices made. */
int output_put_event(struct output *o, struct buf *to,
                     const struct sse_event *ev, const struct json *j);

#endif
