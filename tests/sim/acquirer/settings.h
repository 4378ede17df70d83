/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* acquirer.conf, and what holds without it; till-acquirer(1) has the keys. */

#include "host/profile.h"
#include "issuer/dukpt.h"

#define SETTINGS_DECLINES_MAX 32
#define SETTINGS_TERMINALS_MAX 32

struct sim_settings {
        char *listen;  /* address:port */
        char *state;   /* directory of keys, certificates and ledger */
        char *control; /* path of the control socket */
        char *issuer;  /* path of issuer.conf */
        const struct host_profile *profile;
        uint8_t bdk[DUKPT_KEY_SIZE];
        enum dukpt_variant variant; /* of the key that readers encrypt tracks with */
        bool repeats_approved;      /* a repeated advice gets 00, not 94 */

        /* Cards that are declined. */
        struct {
                char pan[20];
                char code[3];
        } declines[SETTINGS_DECLINES_MAX];
        size_t n_declines;

        /* Serial numbers of terminals; of one that is not listed the first that it names is taken. */
        struct {
                char terminal[9];
                char serial[33];
        } serials[SETTINGS_TERMINALS_MAX];
        size_t n_serials;
        bool approves_lost; /* that a phone is bound in place of a lost one */

        /* Terminals that are served; none listed: all. */
        struct {
                char terminal[9];
                char merchant[16];
        } terminals[SETTINGS_TERMINALS_MAX];
        size_t n_terminals;
};

/* With the built-in values; a path that is not NULL must be there. Bad lines are logged. */
int sim_settings_load(const char *path, struct sim_settings **ret);
struct sim_settings *sim_settings_free(struct sim_settings *s);
DEFINE_CLEANUP(struct sim_settings *, sim_settings_free);

/* The file that counts: /etc/till-acquirer/acquirer.conf, else the packaged one, else NULL. */
const char *sim_settings_default_path(void);

/*
 * Whether tilld on this machine is live: conf is tilld.conf, drop_ins the directory beside it. A file
 * that cannot be read counts as live: practice must not run where money may move.
 */
bool sim_settings_terminal_is_live(const char *conf, const char *drop_ins);
