/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What `penstock policy new` writes, by phase. NAME stands for the policy's
 * name. A unit test runs each; a phase that is called has one. */
#ifndef PENSTOCK_CLI_POLICY_TEMPLATES_H
#define PENSTOCK_CLI_POLICY_TEMPLATES_H

struct policy_template {
    const char *phase;
    const char *policy, *tests;
};

/** Ended by a row without a phase. */
extern const struct policy_template policy_templates[];

#endif
