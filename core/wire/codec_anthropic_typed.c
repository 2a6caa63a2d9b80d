/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic's tools that the client runs and the API knows by their type: the
 * model there was taught them, any other must be told. What it is told is a
 * function of the same name whose arguments are those that the client's tool
 * takes, so that the client need not know. The screen (computer_*) is none of
 * them: it needs a model that was taught to point.
 *
 * Source: platform.claude.com, pages on the bash, text editor and memory
 * tools; types of the SDK 1.12 (read 2026-11-23).
 */
#include "wire/codec_anthropic.h"

#define TEXT "{\"type\":\"string\"}"
#define PATHS_AND_TEXTS                                                       \
    "\"path\":" TEXT ",\"file_text\":" TEXT ",\"old_str\":" TEXT              \
    ",\"new_str\":" TEXT ",\"insert_text\":" TEXT                             \
    ",\"insert_line\":{\"type\":\"integer\"},\"view_range\":{\"type\":"       \
    "\"array\",\"items\":{\"type\":\"integer\"}}"

static const struct {
    const char *prefix, *description, *schema;
} typed[] = {
    { "bash_",
      "Run a command in a bash session that keeps its state from call to "
      "call, or restart that session.",
      "{\"type\":\"object\",\"properties\":{\"command\":" TEXT
      ",\"restart\":{\"type\":\"boolean\"}}}" },
    { "text_editor_",
      "View, create and edit text files. view: path, view_range [first, last "
      "line]. create: path, file_text. str_replace: path, old_str (must occur "
      "exactly once), new_str. insert: path, insert_line (0 is the top), "
      "insert_text.",
      "{\"type\":\"object\",\"properties\":{\"command\":{\"type\":\"string\","
      "\"enum\":[\"view\",\"create\",\"str_replace\",\"insert\"]},"
      PATHS_AND_TEXTS "},\"required\":[\"command\",\"path\"]}" },
    { "memory_",
      "Files below /memories that outlive the conversation; look there "
      "first. view: path, view_range. create: path, file_text. str_replace: "
      "path, old_str, new_str. insert: path, insert_line, insert_text. "
      "delete: path. rename: old_path, new_path.",
      "{\"type\":\"object\",\"properties\":{\"command\":{\"type\":\"string\","
      "\"enum\":[\"view\",\"create\",\"str_replace\",\"insert\",\"delete\","
      "\"rename\"]}," PATHS_AND_TEXTS ",\"old_path\":" TEXT
      ",\"new_path\":" TEXT "},\"required\":[\"command\"]}" },
};

void anthropic_describe_tool(struct str type, struct str name,
                             struct neutral_tool *t)
{
    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
        if (!name.n || !str_starts(type, str_of(typed[i].prefix)))
            continue;
        t->name = name;
        t->description = (struct jstr){ typed[i].description,
                                        strlen(typed[i].description) };
        t->raw_schema = str_of(typed[i].schema);
        t->schema_typed = true;
    }
}
