/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The keys that we hand out: sk-ps-<id>-<secret><checksum>. The id (8 of
 * [a-z0-9]) is no secret and names the key in lists; the secret is 32 of
 * [A-Za-z0-9], 190 bits; the checksum is the CRC-32 of all before it, 6 of
 * the same, so that a typo, or a key cut short, is told without a look-up.
 */
#ifndef PENSTOCK_ENGINE_KEY_TEXT_H
#define PENSTOCK_ENGINE_KEY_TEXT_H

#include "base/err.h"

enum {
    KEY_ID_LEN = 8,
    KEY_SECRET_LEN = 32,
    KEY_SUM_LEN = 6,
    KEY_TEXT_LEN = 6 + KEY_ID_LEN + 1 + KEY_SECRET_LEN + KEY_SUM_LEN,
};

enum key_kind {
    KEY_FOREIGN, /* not of our form: imported, or nothing of ours */
    KEY_TYPO,    /* of our form, and its checksum is wrong */
    KEY_OURS,
};

/** A new id; 0 or -ERR_IO (no random bytes). */
int key_id_make(char id[KEY_ID_LEN + 1], struct err *err);

/** A new key with that id; 0 or -ERR_IO. Wipe it after use. */
int key_text_make(const char *id, char out[KEY_TEXT_LEN + 1],
                  struct err *err);

/** What is it? Cost: 150 ns for a key of ours, nothing for others. */
enum key_kind key_text_kind(struct str s);

#endif
