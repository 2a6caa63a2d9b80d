/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Opening in this order: signals, folders, configuration (in the loader),
 * state lock, log, control socket, listeners, shared memory, posts. Each
 * later step needs the earlier; the first that fails is the reason.
 */
#include "app/master_open.h"

#include "app/control.h"
#include "app/heir_seed.h"
#include "base/log.h"
#include "base/snapshot.h"
#include "engine/config.h"
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whatever max_connections is: a reload changes that, and memory that is laid
 * out by it would be lost with the next upgrade. */
#define REQUEST_CELLS 8192

static int open_signals(struct master *m, struct err *err)
{
    static const int wanted[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP,
                                  SIGUSR1, SIGUSR2 };
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        sigaddset(&set, wanted[i]);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return err_errno(err, "sigprocmask");
    m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return m->signal_fd < 0 ? err_errno(err, "signalfd") : 0;
}

/** The former's mock serves the former's workers until they end. */
static int own_sim(struct master *m, struct err *err)
{
    size_t n = strlen(m->paths.sim), room = sizeof m->paths.sim - n;

    if ((size_t)snprintf(m->paths.sim + n, room, ".%d", (int)getpid()) >=
        room)
        return err_set(err, ERR_LIMIT, "the socket folder's path is too long");
    return 0;
}

/** The folder that the control socket lies in. */
static int open_folders(struct master *m, const char *socket, struct err *err)
{
    char folder[PATHS_MAX];
    char *slash;
    int rc = paths_find(&m->paths, socket, err);

    if (!rc && m->heir.former)
        rc = own_sim(m, err);
    if (rc)
        return rc;
    snprintf(folder, sizeof folder, "%s", m->paths.socket);
    slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return 0; /* the current one, or "/" */
    *slash = '\0';
    if (access(folder, F_OK) == 0 && socket)
        return 0; /* a folder of the user's choice */
    return paths_make(folder, geteuid() == 0 ? 0755 : 0700, err);
}

static int open_config(struct master *m, struct err *err)
{
    int rc;

    m->generation = m->heir.former ? m->heir.generation + 1 : LOADER_NEXT;
    rc = loader_load(&m->loaded, m->file, &m->paths, m->generation,
                     m->signal_fd, err);
    if (rc && m->last_good)
        rc = kept_last_good(m, err);
    if (rc)
        return rc;
    m->generation = snapshot_generation(m->loaded.bundle);
    m->config = config_open(m->loaded.bundle, err);
    if (!m->config)
        return -err->code;
    m->n_workers = m->config->server.workers;
    if (m->n_workers == 0 || m->n_workers > MASTER_MAX_WORKERS)
        return err_at(err, ERR_CONFIG, "/server/workers", "1 to %d workers",
                      MASTER_MAX_WORKERS);
    return 0;
}

/** One instance per state folder. The lock is not inherited by fork and ends
 * with us, so that children who still drain do not hold it. */
int master_open_lock(struct master *m, struct err *err)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct str state = m->config->state;
    char path[PATHS_MAX + 8];

    snprintf(path, sizeof path, STR_FMT "/lock", STR_ARG(state));
    m->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (m->lock_fd < 0)
        return err_errno(err, "%s", path);
    if (fcntl(m->lock_fd, F_SETLK, &lock) == 0)
        return 0;
    if (fcntl(m->lock_fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        return err_set(err, ERR_EXISTS,
                       "the instance with pid %d uses the state folder "
                       STR_FMT "; stop it, or name another folder by `state`",
                       (int)lock.l_pid, STR_ARG(state));
    return err_errno(err, "%s", path);
}

void master_own_log(const struct master *m)
{
    const struct rights *r = &m->loaded.rights;
    char path[PATHS_MAX];

    if (!r->change || str_is(m->config->log.to, "stderr"))
        return;
    snprintf(path, sizeof path, STR_FMT, STR_ARG(m->config->log.to));
    if (lchown(path, r->uid, r->gid) != 0)
        fprintf(stderr, "penstock: %s: %s\n", path, strerror(errno));
}

int master_open_log(struct master *m, struct err *err)
{
    const struct conf_log *log = &m->config->log;
    char path[PATHS_MAX];

    snprintf(path, sizeof path, STR_FMT, STR_ARG(log->to));
    if (log_open(path, log->json ? LOG_JSON : LOG_TEXT,
                 (enum log_level)log->level) != 0)
        return err_errno(err, "log file %s", path);
    master_own_log(m);
    return 0;
}

static int open_log(struct master *m, struct err *err)
{
    int rc = master_open_log(m, err);

    if (rc)
        return rc;
    log_process("master");
    log_event(EV_serve_start, LOG_Z("version", PS_VERSION),
              LOG_I("pid", getpid()),
              LOG_Z("file", m->file ? m->file : "built in"));
    return 0;
}

/** An address of one descriptor for a helper; its text as bound. */
struct single {
    const char *what;
    struct str at;
    char *text; /* or NULL */
    size_t size;
    bool *kept; /* or NULL */
};

static int open_single(struct master *m, const struct single *s, int *fd,
                       struct err *err)
{
    struct listen_addr bound;
    int rc = 0;

    *fd = given_take(&m->heir.given, s->what, s->at, s->kept);
    if (*fd < 0)
        rc = listen_open(s->at, 1, fd, err);
    if (rc)
        return rc;
    if (s->text && listen_address(*fd, &bound) == 0)
        listen_format(&bound.ss, s->text, s->size);
    return 0;
}

static int open_listeners(struct master *m, struct err *err)
{
    const struct config *c = m->config;
    struct listeners *from = &m->heir.given.listeners;
    size_t slots = m->n_workers > from->slots ? m->n_workers : from->slots;
    const struct single metrics = { "metrics", c->metrics, m->metrics_address,
                                    sizeof m->metrics_address,
                                    &m->metrics_kept };
    const struct single admin = { "admin", c->admin.address, m->admin_address,
                                  sizeof m->admin_address, &m->admin_kept };
    int rc = listeners_open(&m->listeners, c, slots, from, err);

    if (!rc && c->metrics.n)
        rc = open_single(m, &metrics, &m->metrics_fd, err);
    if (!rc && c->admin.address.n)
        rc = open_single(m, &admin, &m->admin_fd, err);
    if (!heir_waits(&m->heir)) {
        given_clear(&m->heir.given); /* the service manager's */
        for (size_t i = 0; i < m->listeners.n; i++)
            m->listeners.list[i].taken = false;
    }
    return rc;
}

static int open_control(struct master *m, struct err *err)
{
    int fd = given_take(&m->heir.given, "control", str_of(m->paths.socket),
                        NULL);

    m->control = fd < 0 ? control_new(m->paths.socket, err)
                        : control_adopt(m->paths.socket, fd, err);
    if (!m->control && fd >= 0)
        close(fd);
    return m->control ? 0 : -err->code;
}

/** Where the former has it, we get it when it steps aside. */
static int open_lock(struct master *m, struct err *err)
{
    if (heir_waits(&m->heir) && str_is(m->config->state, m->heir.state))
        return 0;
    return master_open_lock(m, err);
}

/** A folder of the keeper's alone: it writes there with the rights of the
 * service user. What root made is given away; what was given away is his. */
static int keepers_folder(struct master *m, const char *name, char *path,
                          struct err *err)
{
    const struct rights *r = &m->loaded.rights;
    struct str state = m->config->state;
    struct stat st;

    if (state.n + strlen(name) + 2 > PATHS_MAX)
        return err_set(err, ERR_LIMIT, "the state folder's path is too long");
    snprintf(path, PATHS_MAX, STR_FMT "/%s", STR_ARG(state), name);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(err, "cannot make the folder %s", path);
    if (lstat(path, &st) != 0)
        return err_errno(err, "%s", path);
    if (!S_ISDIR(st.st_mode) || (st.st_mode & 077) ||
        (st.st_uid != r->uid && st.st_uid != geteuid()))
        return err_set(err, ERR_IO, "%s must be a folder of uid %u, with "
                       "mode 0700", path, (unsigned)r->uid);
    if (r->change && st.st_uid != r->uid && lchown(path, r->uid, r->gid) != 0)
        return err_errno(err, "%s", path);
    return 0;
}

static int open_store(struct master *m, struct err *err)
{
    int rc = keepers_folder(m, "ledger", m->ledger, err);

    if (!rc && m->config->admin.keys_store)
        rc = keepers_folder(m, "store", m->store, err);
    return rc;
}

/** The mock's socket: in a folder that only the service user looks into. */
static int open_sim(struct master *m, struct err *err)
{
    const struct rights *r = &m->loaded.rights;
    char at[PATHS_MAX + 16];
    int rc = paths_make(m->paths.sim, 0750, err);

    if (rc)
        return rc;
    if (r->change && lchown(m->paths.sim, (uid_t)-1, r->gid) != 0)
        return err_errno(err, "%s", m->paths.sim);
    if (pipe2(m->life, O_CLOEXEC) != 0)
        return err_errno(err, "pipe");
    snprintf(at, sizeof at, "unix:%s/sock", m->paths.sim);
    rc = listen_open(str_of(at), 1, &m->sim_fd, err);
    if (rc == -ERR_EXISTS) {
        *err = (struct err){ 0 };
        return err_set(err, ERR_EXISTS, "%s/sock, of the built-in upstream, "
                       "is in use: processes of an instance that was killed "
                       "still finish requests; wait for their end, or see "
                       "`fuser` for their pids", m->paths.sim);
    }
    return rc;
}

int master_open_sim(struct master *m, struct err *err)
{
    int rc = m->sim_fd < 0 ? open_sim(m, err) : 0;

    if (rc)
        return rc;
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].kind == PROC_MOCK)
            return 0;
    }
    m->posts[m->n_posts++] = (struct post){ .kind = PROC_MOCK, .sock = -1 };
    return 0;
}

/** What was used before by another program is found again where it is laid
 * out as we do it. */
static int open_memory(struct master *m, struct err *err)
{
    uint32_t n;

    m->heir.fresh_kv = true;
    m->cells = cells_new(MASTER_PROCESSES(m->n_workers), REQUEST_CELLS, err);
    if (!m->cells)
        return -err->code;
    n = cells_processes(m->cells);
    m->kv = kv_new(m->config->kv_memory, true, err);
    m->rings = ledger_rings_new(n, LEDGER_RING_BYTES, err);
    m->limiter = limiter_new(m->config->limiter.memory, n, 0, true, err);
    m->posts = calloc(n, sizeof *m->posts);
    if (!m->kv || !m->rings || !m->limiter || !m->posts)
        return err->code ? -err->code : err_set(err, ERR_NOMEM, "no memory");
    m->heir.fresh = !cells_inherited(m->cells);
    m->heir.fresh_kv = !kv_inherited(m->kv);
    m->heir.fresh_limits = !limiter_inherited(m->limiter);
    heir_seed(m);
    return 0;
}

static int open_posts(struct master *m, struct err *err)
{
    size_t n = m->n_workers;
    int rc = open_memory(m, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++)
        m->posts[i].kind = PROC_WORKER;
    m->posts[n++].kind = PROC_KEEPER;
    for (size_t i = 0; i < n; i++) {
        m->posts[i].slot = i < m->n_workers ? (uint32_t)i : 0;
        m->posts[i].sock = -1;
    }
    m->n_posts = n;
    if (m->heir.former == 0 &&
        getrandom(m->ticket_key, sizeof m->ticket_key, 0) !=
            sizeof m->ticket_key)
        return err_errno(err, "no random bytes");
    if (m->heir.former == 0 || m->heir.fresh)
        master_show(m);
    return heir_snapshots(m, err);
}

void master_show(const struct master *m)
{
    metric_set(METRIC_GENERATION, NULL, (int64_t)m->generation);
    metric_set(METRIC_LAST_RELOAD_OK, NULL, 1);
}

/** The configuration, and what it asks for of what was given to us. */
static int open_first(struct master *m, const char *socket, struct err *err)
{
    int rc = heir_open(m, err);

    if (!rc)
        rc = open_signals(m, err);
    if (!rc)
        rc = open_folders(m, socket, err);
    if (!rc)
        rc = open_config(m, err);
    if (!rc)
        rc = open_lock(m, err);
    if (!rc)
        rc = open_log(m, err);
    return rc || m->heir.former ? rc
                                : given_activated(&m->heir.given, m->config,
                                                  err);
}

int master_open(struct master *m, const char *socket, struct err *err)
{
    int rc;

    m->signal_fd = m->lock_fd = m->metrics_fd = m->sim_fd = -1;
    m->admin_fd = m->keys.base_fd = m->keys.delta_fd = -1;
    m->life[0] = m->life[1] = -1;
    rights_limits();
    upgrade_init(m);
    notify_watch_init(&m->watch);
    rc = open_first(m, socket, err);
    if (!rc)
        rc = open_control(m, err);
    if (!rc && !m->heir.former)
        kept_open(m);
    if (!rc)
        rc = open_listeners(m, err);
    if (!rc)
        rc = open_store(m, err);
    if (!rc)
        rc = open_posts(m, err);
    return !rc && m->loaded.sim ? master_open_sim(m, err) : rc;
}

/* ---- closing ----------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/** Files of sockets that another master serves are left. */
void master_close_listeners(struct master *m)
{
    if (heir_waits(&m->heir))
        listeners_hand_over(&m->listeners);
    listeners_close(&m->listeners);
}

void master_hand_over(struct master *m)
{
    control_hand_over(m->control);
    listeners_hand_over(&m->listeners);
    close_fd(&m->metrics_fd);
    close_fd(&m->admin_fd);
    close_fd(&m->lock_fd);
}

static void close_sim(struct master *m)
{
    char path[PATHS_MAX + 8];

    if (m->sim_fd < 0)
        return;
    close(m->sim_fd);
    snprintf(path, sizeof path, "%s/sock", m->paths.sim);
    unlink(path);
    rmdir(m->paths.sim);
}

/** We never served: our copies of what the former has are closed. */
static void give_back(struct master *m)
{
    if (m->control)
        master_hand_over(m);
}

void master_close(struct master *m)
{
    if (heir_waits(&m->heir))
        give_back(m);
    heir_close(m);
    if (m->upgrade.sock >= 0)
        close(m->upgrade.sock);
    reload_close(m);
    control_free(m->control);
    master_close_listeners(m);
    if (m->config && m->admin_fd >= 0 && !m->admin_kept)
        listener_unlink(m->config->admin.address);
    close_fd(&m->metrics_fd);
    close_fd(&m->admin_fd);
    close_sim(m);
    close_fd(&m->life[0]);
    close_fd(&m->life[1]);
    free(m->posts);
    limiter_free(m->limiter);
    kv_free(m->kv);
    ledger_rings_free(m->rings);
    cells_free(m->cells);
    snapshot_unref(m->addresses);
    keys_clear(m);
    snapshot_unref(m->jwks);
    snapshot_unref(m->fetched);
    if (m->addresses_fd > 0)
        close(m->addresses_fd);
    if (m->jwks_fd > 0)
        close(m->jwks_fd);
    if (m->fetched_fd > 0)
        close(m->fetched_fd);
    config_free(m->config);
    loaded_clear(&m->loaded);
    close_fd(&m->lock_fd);
    close_fd(&m->signal_fd);
}
