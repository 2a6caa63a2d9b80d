/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* An alert as people and receivers see it. */
#include "engine/alert.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static void put_time(json_t *o, const char *name, uint64_t wall_ms)
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    char text[40];

    if (gmtime_r(&s, &tm) &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        json_object_set_new(o, name, json_string(text));
}

/* A name that came from outside may be cut within a character. */
static json_t *text_json(const char *s)
{
    json_t *v = json_string(s);
    char clean[ALERT_WHAT];
    size_t n = 0;

    if (v)
        return v;
    for (; s[n] && n + 1 < sizeof clean; n++)
        clean[n] = (unsigned char)s[n] < 0x80 ? s[n] : '?';
    clean[n] = '\0';
    return json_string(clean);
}

json_t *alert_json(const struct alert_note *n, uint64_t now_ms,
                   uint64_t wall_ms)
{
    const struct alert_row *row = &alert_rows[n->kind];
    json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:o}", "alert", row->name,
                          "state", n->cleared ? "cleared" : "raised",
                          "severity", alert_severity_name(n->severity),
                          "where", text_json(n->where), "what",
                          text_json(n->what));

    if (!o)
        return NULL;
    put_time(o, "since", wall_ms - (now_ms - n->since_ms));
    if (n->cleared)
        put_time(o, "until", wall_ms - (now_ms - n->until_ms));
    json_object_set_new(o, "means", json_string(row->help));
    json_object_set_new(o, "do", json_string(row->act));
    json_object_set_new(o, "runbook", json_sprintf("docs/runbooks/%s.md",
                                                  row->name));
    return o;
}

json_t *alert_report(const struct alert_board *b)
{
    struct alert_note notes[ALERT_CELLS];
    size_t n = alert_list(b, notes, ALERT_CELLS);
    uint64_t now = clock_mono_ms(), wall = clock_wall_ms();
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, alert_json(&notes[i], now, wall));
    return list;
}
