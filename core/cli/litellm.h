/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A configuration of LiteLLM's proxy (config.yaml), as far as it says what
 * Penstock can do, and how that is written for Penstock.
 *
 * Source: docs.litellm.ai, "Config.yaml", "Router", "All settings" (read
 * 2026-11).
 */
#ifndef PENSTOCK_CLI_LITELLM_H
#define PENSTOCK_CLI_LITELLM_H

#include "cli/yaml_tree.h"

#include <jansson.h>
#include <stdio.h>

enum { LITELLM_ENTRIES = 2000, LITELLM_FALLBACKS = 16 };

enum litellm_setting {
#define SETTING(id, theirs, vendor, ours) LITELLM_##id,
#include "cli/litellm_setting.def"
    LITELLM_SETTINGS
};

/** An account or host: entries that agree in all of this share one. */
struct litellm_provider {
    char name[64];
    const char *vendor;
    char base_url[512];   /* empty: the vendor's own */
    const char *key;      /* as it is written there; NULL: the vendor's */
    const char *total, *first_event; /* seconds; NULL: not said */
    ynode headers, organization;     /* 0: none */
    const char *settings[LITELLM_SETTINGS]; /* litellm_setting.def; or NULL */
};

/** An entry of model_list. */
struct litellm_entry {
    const char *model;    /* what clients ask for */
    const char *upstream; /* what the provider is asked for */
    size_t provider;
    long weight, order, max_concurrent; /* 0: not said */
    bool written;         /* with an earlier one of the same model */
};

struct litellm {
    struct ytree *yaml;
    const char *file;
    struct litellm_provider *providers;
    size_t n_providers;
    struct litellm_entry *entries;
    size_t n_entries;
    const char *balance;   /* of Penstock's; NULL: not said */
    const char *total;     /* seconds for a request, or NULL */
    long retries;          /* further tries; -1: not said */
    ynode fallbacks, context, content, defaults, aliases;
    const char *master_key;
    json_t *notes;         /* [{line, what, why}]: what was not mapped */
};

/** Read it. 0, or an error as of ytree_read, or CONFIG. */
int litellm_read(struct litellm *l, const char *file, struct err *err);
void litellm_clear(struct litellm *l);

/** Something of it is not, or not quite, what it was. */
void litellm_note(struct litellm *l, ynode at, const char *what,
                  const char *why);

/** "azure_ai/MODEL" at an address: which row of the catalogue that is, and the
 * address as it is written here. */
void litellm_azure_ai(struct litellm_provider *p, const char *base,
                      const char *model);

/** "os.environ/NAME" -> NAME, else NULL. */
const char *litellm_env(const char *value);

/** Write the configuration; may add notes. */
void litellm_write(struct litellm *l, FILE *out);

#endif
