/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a model made that is no text, read: pictures go on, whatever their
 * provider calls them; no dialect but their own has a place for the rest. */
#include "wire/codec_stream.h"

/* How base64 of a picture begins, for those who do not say its type. */
static const struct {
    const char *begin, *type;
} pictures[] = {
    { "iVBORw0KGgo", "image/png" },
    { "/9j/", "image/jpeg" },
    { "\\/9j\\/", "image/jpeg" },
    { "R0lGOD", "image/gif" },
    { "UklGR", "image/webp" },
};

static struct jstr guess(struct jstr data)
{
    struct str s = { data.p, data.n };

    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++) {
        if (str_starts(s, str_of(pictures[i].begin)))
            return (struct jstr){ pictures[i].type,
                                  strlen(pictures[i].type) };
    }
    return JSTR_NULL;
}

static enum codec_loss loss_of(struct str type)
{
    if (!type.n || str_starts(type, STR("image")))
        return LOSS_IMAGES;
    return str_starts(type, STR("audio")) ? LOSS_AUDIO : LOSS_FILES;
}

int in_media(struct codec_in *in, uint32_t choice, struct jstr type,
             struct jstr data)
{
    struct neutral_event ev = { .type = NEUTRAL_IMAGE, .choice = choice,
                                .text = data };
    enum codec_loss loss;

    ev.name = type.n ? type : guess(data);
    loss = loss_of((struct str){ ev.name.p, ev.name.n });
    if (ev.name.n && data.n && loss == LOSS_IMAGES)
        return in_emit(in, &ev);
    in_lose(in, loss);
    return 0;
}

int in_data_url(struct codec_in *in, uint32_t choice, struct jstr url)
{
    struct str s = { url.p, url.n }, begin = STR("data:");
    ptrdiff_t at = str_find(s, STR(";base64,"));

    if (!str_starts(s, begin) || at < (ptrdiff_t)begin.n) {
        in_lose(in, LOSS_IMAGES); /* an address, which says no type */
        return 0;
    }
    return in_media(in, choice,
                    (struct jstr){ s.p + begin.n, (size_t)at - begin.n },
                    (struct jstr){ s.p + at + 8, s.n - (size_t)at - 8 });
}
