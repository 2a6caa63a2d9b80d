/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The text of a key: made, checked, and every single typo told. */
#include "engine/key_text.h"

#include "unit.h"

static void makes_what_it_knows(void)
{
    struct err err = { 0 };
    char id[KEY_ID_LEN + 1], a[KEY_TEXT_LEN + 1], b[KEY_TEXT_LEN + 1];

    UNIT_INT(key_id_make(id, &err), 0);
    UNIT_INT(strlen(id), KEY_ID_LEN);
    UNIT_INT(key_text_make(id, a, &err), 0);
    UNIT_INT(key_text_make(id, b, &err), 0);
    UNIT_INT(strlen(a), KEY_TEXT_LEN);
    CU_ASSERT(strcmp(a, b) != 0);
    CU_ASSERT(strncmp(a, "sk-ps-", 6) == 0 && strncmp(a + 6, id, 8) == 0);
    UNIT_INT(key_text_kind(str_of(a)), KEY_OURS);
    UNIT_INT(key_text_kind(str_of(b)), KEY_OURS);
}

/* worked out apart from this code (zlib's crc32, base 62) */
static void knows_a_fixed_key(void)
{
    UNIT_INT(key_text_kind(STR("sk-ps-abcd1234-"
                               "0123456789abcdefghijABCDEFGHIJKL0rfFrS")),
             KEY_OURS);
}

static void tells_every_typo(void)
{
    struct err err = { 0 };
    char key[KEY_TEXT_LEN + 1];

    UNIT_INT(key_text_make("abcd1234", key, &err), 0);
    for (size_t i = 6; i < KEY_TEXT_LEN; i++) {
        char was = key[i];

        if (was == '-')
            continue;
        key[i] = was == 'a' ? 'b' : 'a';
        UNIT_INT(key_text_kind(str_of(key)), KEY_TYPO);
        key[i] = was;
    }
    for (size_t i = 15; i + 1 < KEY_TEXT_LEN; i++) { /* two swapped */
        char was = key[i];

        if (key[i + 1] == was)
            continue;
        key[i] = key[i + 1];
        key[i + 1] = was;
        UNIT_INT(key_text_kind(str_of(key)), KEY_TYPO);
        key[i + 1] = key[i];
        key[i] = was;
    }
}

static void leaves_others_alone(void)
{
    static const char *const foreign[] = {
        "", "sk-ps-", "sk-ps-story", "sk-proj-abc", "hunter2",
        "sk-ps-ABCD1234-0123456789abcdefghijABCDEFGHIJKL000000",
        "sk-ps-abcd1234_0123456789abcdefghijABCDEFGHIJKL000000",
        "sk-ps-abcd1234-0123456789abcdefghijABCDEFGHIJKL00000!",
        "sk-ps-abcd1234-0123456789abcdefghijABCDEFGHIJKL0000000",
    };

    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        UNIT_INT(key_text_kind(str_of(foreign[i])), KEY_FOREIGN);
}

UNIT_MAIN("key_text", { "makes what it knows", makes_what_it_knows },
          { "knows a fixed key", knows_a_fixed_key },
          { "tells every typo", tells_every_typo },
          { "leaves others alone", leaves_others_alone })
