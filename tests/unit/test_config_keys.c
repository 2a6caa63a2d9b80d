/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Every key of config.def broken once: the fault names file and line, the
 * path, and the right spelling. A key without a row here fails the test.
 */
#include "config_fixture.h"
#include "engine/config_table.h"

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define PROVIDER "provider 'p' { vendor = 'sim',\n"
#define MODEL "model 'm' { targets = 'sim/x',\n"
#define JWT "jwt 'j' { issuer = 'https://i', audience = 'a',\n"
#define SERVICE "service 's' { url = 'https://h',\n"
#define REDIS "redis 'r' { url = 'redis://h',\n"
#define ADMIN "admin '127.0.0.1:9' {\n"
#define KEY "key 'k' { sha256 = '" SHA "',\n"

/* `text` follows the line `provider "sim"`; `line` is where it is broken. */
static const struct broken {
    const char *scope, *key, *text;
    int line;
    const char *says;
} rows[] = {
    {"top", "server", "server 'x'", 2,
     "server: must be a table; write { key = value }"},
    {"top", "state", "state 'x'", 2,
     "state: \"x\" is not an absolute path; write \"/x\""},
    {"top", "plugin_path", "plugin_path 5", 2,
     "'plugin_path' needs a value; write plugin_path \"/path\""},
    {"top", "policy_path", "policy_path { 'a', 'b' }", 2,
     "policy_path: must be an absolute path, not a table; write \"/path\""},
    {"top", "listen", "listen '8080'", 2,
     "listen \"8080\": its name: a port alone is not an address; write "
     "\"127.0.0.1:8080\""},
    {"top", "metrics", "metrics 'localhost:90'", 2,
     "metrics: \"localhost:90\" is not an address; write \"127.0.0.1:8080\""},
    {"top", "defaults", "defaults { timeout = {} }", 2,
     "defaults timeout: unknown key 'timeout'; did you mean 'timeouts'?"},
    {"top", "provider", "provider 'opnai'", 2,
     "provider \"opnai\": there is no vendor \"opnai\"; did you mean "
     "\"openai\"?"},
    {"top", "model", "model 'a*b*' { 'sim/x' }", 2,
     "model \"a*b*\": its name: \"a*b*\" has two '*'; write one, like "
     "\"claude-*\""},
    {"top", "team", "team { models = 'x' }", 2,
     "'team' needs a name; write team \"text\" { ... }"},
    {"top", "key", "key 'k'", 2,
     "key \"k\" sha256: is missing; write sha256 = "
     "\"64 hexadecimal digits\""},
    {"top", "policies", "policies { 'auth', 'rout' }", 2,
     "policies[2]: there is no policy \"rout\"; looked for /"},
    {"top", "endpoint", "endpoint 'chats' {}", 2,
     "endpoint \"chats\": its name: \"chats\" is none of chat|completions|"
     "embeddings|models|messages|count_tokens; did you mean \"chat\"?"},
    {"top", "keys", "keys 'store'", 2, "keys: must be a table; write { key"},
    {"top", "admin", "admin '9090' {}", 2,
     "admin \"9090\": its name: a port alone is not an address"},
    {"top", "limits", "limits '16MiB'", 2,
     "limits: must be a table; write { key"},
    {"top", "kv", "kv '16MiB'", 2, "kv: must be a table; write { key"},
    {"top", "log", "log 'stderr'", 2, "log: must be a table; write { key"},

    {"server", "workers", "server {\nworkers = '4' }", 3,
     "server workers: must be a number; write 4 without quotes"},
    {"server", "user", "server {\nuser = 'a b' }", 3,
     "server user: \"a b\" is not a name; write"},
    {"server", "max_body", "server {\nmax_body = 33554432 }", 3,
     "server max_body: a bare number has no unit; write \"32MiB\""},
    {"server", "max_connections", "server {\nmax_connections = 0 }", 3,
     "server max_connections: 0 is out of range; write a number from 1 to"},
    {"server", "max_header", "server {\nmax_header = '32KB' }", 3,
     "server max_header: \"32KB\" is not a size; write \"32MiB\" (units: B "
     "KiB MiB GiB)"},
    {"server", "max_header_fields", "server {\nmax_header_fields = 1.5 }", 3,
     "server max_header_fields: must be a whole number from 8 to 1000"},
    {"server", "header_timeout", "server {\nheader_timeout = 10 }", 3,
     "server header_timeout: a bare number has no unit; write \"10s\" or "
     "\"10ms\""},
    {"server", "body_timeout", "server {\nbody_timeout = '10' }", 3,
     "server body_timeout: \"10\" is not a duration; write \"30s\" (units: ms "
     "s m h d)"},
    {"server", "idle_timeout", "server {\nidle_timeout = '2d' }", 3,
     "server idle_timeout: \"2d\" is out of range; write \"10ms\" to \"24h\""},
    {"server", "write_stall", "server {\nwrite_stall = true }", 3,
     "server write_stall: must be a duration, not a boolean; write \"30s\""},
    {"server", "drain_timeout", "server {\ndrain_timeout = '1.5h' }", 3,
     "server drain_timeout: \"1.5h\" is not a duration"},
    {"server", "high_water", "server {\nhigh_water = '1KiB' }", 3,
     "server high_water: \"1KiB\" is out of range; write \"4KiB\" to"},
    {"server", "low_water", "server {\nlow_water = '256KiB' }", 3,
     "server low_water: must be below high_water (256KiB)"},

    {"server", "auth_failures", "server {\nauth_failures = '60' }", 3,
     "server auth_failures: \"60\" is not a rate; write"},
    {"listen", "tls", "listen '127.0.0.1:1' {\ntls = { 'x' } }", 3,
     "listen \"127.0.0.1:1\" tls[1]: must be a table"},
    {"listen", "client_ca",
     "listen '127.0.0.1:1' {\nclient_ca = '/ca.pem' }", 3,
     "listen \"127.0.0.1:1\" client_ca: needs tls: a client shows its"},
    {"listen", "client_auth",
     "listen '127.0.0.1:1' {\nclient_auth = 'maybe' }", 3,
     "client_auth: \"maybe\" is none of the choices; write one of "
     "required|optional"},
    {"listen", "client_crl",
     "listen '127.0.0.1:1' {\nclient_crl = '/crl.pem' }", 3,
     "listen \"127.0.0.1:1\" client_crl: needs client_ca, the authorities to"},
    {"listen", "anonymous", "listen '127.0.0.1:1' {\nanonymous = 'all' }", 3,
     "listen \"127.0.0.1:1\" anonymous: \"all\" is none of the choices; write "
     "one of none|local|public"},
    {"listen", "detail", "listen '127.0.0.1:1' {\ndetail = true }", 3,
     "listen \"127.0.0.1:1\" detail: must be a text, not a boolean; write one "
     "of brief|full"},
    {"listen", "cors", "listen '127.0.0.1:1' {\ncors = true }", 3,
     "listen \"127.0.0.1:1\" cors: must be a table"},
    {"cors", "origins", "listen '127.0.0.1:1' { cors = {\norigins = 'x' } }",
     3, "cors.origins[1]: \"x\" is no origin; write scheme"},
    {"cors", "credentials", "listen '127.0.0.1:1' { cors = {\n"
     "origins = '*', credentials = 1 } }", 3,
     "cors.credentials: must be a boolean"},
    {"cors", "max_age", "listen '127.0.0.1:1' { cors = {\n"
     "origins = '*', max_age = 600 } }", 3,
     "cors.max_age: a bare number has no unit"},
    {"listen", "trusted_proxies",
     "listen '127.0.0.1:1' {\ntrusted_proxies = { '::1',\n'10.0.0.0/33' } }",
     4, "trusted_proxies[2]: \"10.0.0.0/33\" is not an address range; write "
        "\"10.0.0.0/8\""},
    {"tls", "cert", "listen '127.0.0.1:1' {\ntls = { key = file '/k' } }", 3,
     "tls[1].cert: is missing; write cert = \"/path\""},
    {"tls", "key",
     "listen '127.0.0.1:1' {\ntls = { cert = '/c',\nkey = '/k' } }", 4,
     "tls[1].key: a secret does not stand in the file; write file \"/path\""},

    {"defaults", "timeouts", "defaults {\ntimeouts = '5s' }", 3,
     "defaults timeouts: must be a table"},
    {"defaults", "retries", "defaults {\nretries = 3 }", 3,
     "defaults retries: must be a table"},
    {"timeouts", "connect", PROVIDER "timeouts = {\nconnect = 5 } }", 4,
     "provider \"p\" timeouts.connect: a bare number has no unit; write "
     "\"5s\""},
    {"timeouts", "head", PROVIDER "timeouts = {\nhead = '5 s' } }", 4,
     "provider \"p\" timeouts.head: \"5 s\" is not a duration"},
    {"timeouts", "first_event", "defaults { timeouts = {\nfirst_event = 0 } }",
     3, "defaults timeouts.first_event: a bare number has no unit"},
    {"timeouts", "idle", "defaults { timeouts = {\nidel = '5s' } }", 3,
     "defaults timeouts.idel: unknown key 'idel'; did you mean 'idle'?"},
    {"timeouts", "total", "defaults { timeouts = {\ntotal = '0s' } }", 3,
     "\"0s\" is out of range; write \"1ms\" to \"24h\""},
    {"timeouts", "commit_after",
     "defaults { timeouts = {\ncommit_after = '15sec' } }", 3,
     "timeouts.commit_after: \"15sec\" is not a duration; write \"30s\""},
    {"retries", "attempts", "defaults { retries = {\nattempts = 0 } }", 3,
     "retries.attempts: 0 is out of range; write a number from 1 to 16"},
    {"retries", "same_target", "defaults { retries = {\nsame_target = -1 } }",
     3, "retries.same_target: -1 is out of range; write a number from 0 to 8"},
    {"retries", "budget", "defaults { retries = {\nbudget = 10 } }", 3,
     "retries.budget: a bare number has no unit; write \"10%\""},
    {"model", "retries", "model 'm' { 'p/m', retries = 3 }", 2,
     "model \"m\" retries: must be a table"},
    {"model_retries", "attempts",
     "model 'm' { 'p/m', retries = {\nattempts = 17 } }", 3,
     "retries.attempts: 17 is out of range; write a number from 1 to 16"},
    {"model_retries", "same_target",
     "model 'm' { 'p/m', retries = {\nsame = 1 } }", 3,
     "retries.same: unknown key 'same'"},
    {"model_retries", "budget",
     "model 'm' { 'p/m', retries = {\nbudget = '101%' } }", 3,
     "\"101%\" is out of range; write \"0%\" to \"100%\""},

    {"provider", "vendor", "provider 'p' {\nvendor = 'vlm' }", 3,
     "provider \"p\" vendor: there is no vendor \"vlm\"; did you mean "
     "\"vllm\"?"},
    {"provider", "plugin", PROVIDER "plugin = '../x' }", 3,
     "provider \"p\" plugin: \"../x\" is not a name"},
    {"provider", "base_url", PROVIDER "base_url = 'api.example.com' }", 3,
     "provider \"p\" base_url[1]: \"api.example.com\" is not a URL; write "
     "\"https://api.example.com/v1\""},
    {"provider", "unix_socket", PROVIDER "unix_socket = 'sock' }", 3,
     "provider \"p\" unix_socket: \"sock\" is not an absolute path; write "
     "\"/sock\""},
    {"provider", "keys", PROVIDER "keys = 'clients' }", 3,
     "provider \"p\" keys[1].secret: a secret does not stand in the file; "
     "write env \"NAME\" or file \"/path\""},
    {"provider", "auth", PROVIDER "auth = 'bearer' }", 3,
     "provider \"p\" auth: must be a table"},
    {"provider", "timeouts", PROVIDER "timeouts = { '5s' } }", 3,
     "provider \"p\" timeouts: values without a name have no meaning here"},
    {"provider", "reasoning", PROVIDER "reasoning = { true } }", 3,
     "provider \"p\" reasoning[1]: must be a text, not a boolean"},
    {"provider", "retries", PROVIDER "retries = { attempt = 1 } }", 3,
     "provider \"p\" retries.attempt: unknown key 'attempt'; did you mean "
     "'attempts'?"},
    {"provider", "quirks", PROVIDER "quirks = { 'store' } }", 3,
     "provider \"p\" quirks: values without a name have no meaning here"},
    {"provider", "tags", PROVIDER "tags = { 'eu' } }", 3,
     "provider \"p\" tags: values need names here; write { name = \"text\" }"},
    {"provider", "headers", PROVIDER "headers = { Host = 'x' } }", 3,
     "provider \"p\" headers.Host: is set by Penstock itself; leave it out"},
    {"provider", "settings", PROVIDER "settings = 'x' }", 3,
     "provider \"p\" settings: must be a table, not a text"},
    {"provider", "proxy", PROVIDER "proxy = 'proxy:3128' }", 3,
     "provider \"p\" proxy: \"proxy:3128\" is not a proxy's URL; write "
     "\"http://"},
    {"provider", "ca_file", PROVIDER "ca_file = file '/x' }", 3,
     "provider \"p\" ca_file: /x: No such file"},
    {"provider", "http2", PROVIDER "http2 = 'true' }", 3,
     "provider \"p\" http2: must be a boolean; write true without quotes"},
    {"provider", "insecure", PROVIDER "insecure = 1 }", 3,
     "provider \"p\" insecure: must be a boolean, not a number; write true"},
    {"credential", "secret", PROVIDER "keys = { env 'UNSET_KEY' } }", 3,
     "provider \"p\" keys[1].secret: the environment variable UNSET_KEY is "
     "not set; set it, or write env(\"UNSET_KEY\", \"default\")"},
    {"credential", "name",
     PROVIDER "keys = { { env('U', 'x'),\nname = 'a/b' } } }", 4,
     "provider \"p\" keys[1].name: \"a/b\" is not a name"},
    {"credential", "weight",
     PROVIDER "keys = { { env('U', 'x'),\nweight = '3' } } }", 4,
     "provider \"p\" keys[1].weight: must be a number; write 3 without"},
    {"auth", "header", PROVIDER "auth = {\nheader = 'x key' } }", 4,
     "provider \"p\" auth.header: \"x key\" is not a header name; write "
     "\"x-api-key\""},
    {"auth", "prefix", PROVIDER "auth = {\nprefix = 1 } }", 4,
     "provider \"p\" auth.prefix: must be a text, not a number"},
    {"quirks", "rename", PROVIDER "quirks = {\nrename = { a = 1 } } }", 4,
     "provider \"p\" quirks.rename.a: must be a text, not a number"},
    {"quirks", "drop", PROVIDER "quirks = {\ndrop = { 'a', '' } } }", 4,
     "provider \"p\" quirks.drop[2]: is empty; write \"text\""},
    {"quirks", "reasoning_in",
     PROVIDER "quirks = {\nreasoning_in = 'thinking' } }", 4,
     "provider \"p\" quirks.reasoning_in: \"thinking\" is none of "},
    {"quirks", "reasoning_out",
     PROVIDER "quirks = {\nreasoning_out = 'tags' } }", 4,
     "provider \"p\" quirks.reasoning_out: \"tags\" is none of "},
    {"quirks", "errors", PROVIDER "quirks = {\nerrors = { X = 'qota' } } }", 4,
     "provider \"p\" quirks.errors.X: \"qota\" is none of "},

    {"model", "targets", "model 'm' {}", 2,
     "model \"m\" targets: is missing; write "},
    {"model", "balance", MODEL "balance = 'weigthed' }", 3,
     "model \"m\" balance: \"weigthed\" is none of order|weighted; did you "
     "mean \"weighted\"?"},
    {"model", "fallback", MODEL "fallback = { 'smi/x' } }", 3,
     "model \"m\" fallback[1].target: there is no provider \"smi\"; did you "
     "mean \"sim\"?"},
    {"target", "target", "model 'm' { 'sim/x',\n'sim' }", 3,
     "model \"m\" targets[2].target: \"sim\" is not a target; write "
     "\"provider/upstream model\""},
    {"target", "weight", "model 'm' { { 'sim/x',\nweight = 0 } }", 3,
     "model \"m\" targets[1].weight: 0 is out of range; write a number from 1"},

    {"team", "parent", "team 't' {\nparent = 'u' }", 3,
     "team \"t\" parent: there is no team \"u\""},
    {"team", "parent",
     "team 't' { parent = 'u' }\nteam 'u' {\nparent = 't' }", 2,
     "team \"t\" parent: \"t\" is above itself"},
    {"team", "models", "team 't' {\nmodels = { 1 } }", 3,
     "team \"t\" models[1]: must be a text, not a number"},
    {"team", "tags", "team 't' {\ntags = { a = true } }", 3,
     "team \"t\" tags.a: must be a text, not a boolean; write \"text\""},
    {"team", "limits", "team 't' {\nlimits = '600/min' }", 3,
     "team \"t\" limits: must be a table"},
    {"limits", "requests", "team 't' { limits = {\nrequests = 600 } }", 3,
     "team \"t\" limits.requests: a bare number has no unit; write "
     "\"600/min\""},
    {"limits", "tokens", "team 't' { limits = {\ntokens = '4k/week' } }", 3,
     "team \"t\" limits.tokens: \"4k/week\" is not a rate; write "
     "\"600/min\" or \"400k/min\" (per s, min, h or day)"},
    {"limits", "concurrent", "team 't' { limits = {\nconcurrent = 0 } }", 3,
     "team \"t\" limits.concurrent: 0 is out of range"},
    {"key", "limits", KEY "limits = { rpm = '6/s' } }", 3,
     "key \"k\" limits"},
    {"key", "sha256", "key 'k' {\nsha256 = 'abc' }", 3,
     "key \"k\" sha256: is not a SHA-256; write its 64 hexadecimal digits"},
    {"key", "team", "team 'search' {}\n" KEY "team = 'serach' }", 4,
     "key \"k\" team: there is no team \"serach\"; did you mean \"search\"?"},
    {"key", "user", KEY "user = 5 }", 3,
     "key \"k\" user: must be a text, not a number; write \"text\""},
    {"key", "disabled", KEY "disabled = 'yes' }", 3,
     "key \"k\" disabled: must be a boolean, not a text; write true or false"},
    {"key", "expires", KEY "expires = '31.3.2027' }", 3,
     "key \"k\" expires: \"31.3.2027\" is not a date; write \"2027-03-31\""},
    {"key", "models", KEY "models = { {} } }", 3,
     "key \"k\" models[1]: must be a text, not a table"},
    {"key", "endpoints", KEY "endpoints = 'embedding' }", 3,
     "key \"k\" endpoints[1]: \"embedding\" is none of chat|completions|"
     "embeddings|models|messages|count_tokens; did you mean "
     "\"embeddings\"?"},
    {"key", "cidrs", KEY "cidrs = { '10.2.0.0/16',\n'10.2' } }", 4,
     "key \"k\" cidrs[2]: \"10.2\" is not an address range; write "
     "\"10.0.0.0/8\""},
    {"key", "tags", KEY "tags = 'x' }", 3,
     "key \"k\" tags: values need names here; write { name = \"text\" }"},

    {"policy", "name", "policies { { mode = 'observe' } }", 2,
     "policies[1].name: is missing; write \"name\""},
    {"policy", "mode", "policies { { 'auth',\nmode = 'shadow' } }", 3,
     "policies[1].mode: \"shadow\" is none of the choices; write one of "
     "enforce|observe"},
    {"policy", "fail", "policies { { 'auth',\nfail = 'close' } }", 3,
     "policies[1].fail: \"close\" is none of open|closed; did you mean "
     "\"closed\"?"},
    {"policy", "endpoints", "policies { { 'auth',\nendpoints = 'x' } }", 3,
     "policies[1].endpoints[1]: \"x\" is none of the choices; write one of "},
    {"policy", "conf", "policies { { 'auth',\nconf = { a = { env 'X' } } } }",
     3,
     "policies[1].conf: env, file and credential mean nothing inside of it"},
    {"endpoint", "max_body", "endpoint 'chat' {\nmax_body = '8 MiB' }", 3,
     "endpoint \"chat\" max_body: \"8 MiB\" is not a size; write \"32MiB\""},
    {"top", "service", "service { url = 'http://h' }", 2,
     "'service' needs a name; write service \"name\" { ... }"},
    {"top", "redis", "redis 'a b' { url = 'redis://h' }", 2,
     "redis \"a b\": its name: \"a b\" is not a name"},
    {"service", "url", "service 's' {\nurl = 'authz.internal' }", 3,
     "service \"s\" url: \"authz.internal\" is not a URL; write "
     "\"https://api.example.com/v1\""},
    {"service", "token", SERVICE "token = 'secret' }", 3,
     "service \"s\" token: a secret does not stand in the file; write env"},
    {"service", "headers", SERVICE "headers = { Authorization = 'x' },\n"
     "token = env('T', 't') }", 3,
     "service \"s\" headers.Authorization: is made from the token"},
    {"service", "timeout", SERVICE "timeout = '3s' }", 3,
     "service \"s\" timeout: \"3s\" is out of range; write \"1ms\" to \"2s\""},
    {"service", "max_body", SERVICE "max_body = '8MiB' }", 3,
     "service \"s\" max_body: \"8MiB\" is out of range"},
    {"service", "ca_file", SERVICE "ca_file = '/nosuch.pem' }", 3,
     "service \"s\" ca_file: cannot read /nosuch.pem"},
    {"service", "observe", SERVICE "observe = 'none' }", 3,
     "service \"s\" observe: \"none\" is none of the choices; write one of "
     "get|all"},
    {"top", "jwt", "jwt { issuer = 'https://i' }", 2,
     "'jwt' needs a name; write jwt \"name\" { ... }"},
    {"jwt", "issuer", "jwt 'j' {\nissuer = 'corp', audience = 'a' }", 3,
     "jwt \"j\" issuer: \"corp\" is not a URL"},
    {"jwt", "issuer", JWT "}\njwt 'k' { issuer = 'https://i', audience = 'a' }",
     4, "jwt \"k\" issuer: is that of jwt \"j\" too"},
    {"jwt", "audience", "jwt 'j' { issuer = 'https://i',\naudience = {} }", 3,
     "jwt \"j\" audience: is empty"},
    {"jwt", "algs", JWT "algs = 'none' }", 3,
     "jwt \"j\" algs[1]: \"none\" is none of the choices"},
    {"jwt", "algs", JWT "algs = {} }", 3, "jwt \"j\" algs: is empty"},
    {"jwt", "jwks", JWT "jwks = env('J', '{\"keys\":[]}') }", 3,
     "jwt \"j\" jwks: has no key that could check a signature"},
    {"jwt", "jwks", JWT "jwks = env('J', '<html>') }", 3,
     "jwt \"j\" jwks: "},
    {"jwt", "jwks_url", JWT "jwks_url = 'https://i/k', jwks = env('J', 'x') }",
     3, "jwt \"j\" jwks_url: stands beside jwks; leave one of them out"},
    {"jwt", "jwks_file", JWT "jwks_file = '/nosuch' }", 3,
     "jwt \"j\" jwks_file: cannot read /nosuch"},
    {"jwt", "algs", JWT "algs = { 'RS256', 'HS256' } }", 3,
     "jwt \"j\" algs: \"HS256\" needs a shared secret"},
    {"top", "jwt", "policies { 'auth', 'route' } " JWT "}", 2,
     "jwt \"j\": no policy looks at its tokens; write policies"},
    {"jwt", "ca_file", JWT "ca_file = '/nosuch.pem' }", 3,
     "jwt \"j\" ca_file: cannot read /nosuch.pem"},
    {"jwt", "leeway", JWT "leeway = '1h' }", 3,
     "jwt \"j\" leeway: \"1h\" is out of range"},
    {"jwt", "refresh", JWT "refresh = '10' }", 3, "jwt \"j\" refresh: "},
    {"jwt", "refetch", JWT "refetch = '0s' }", 3,
     "jwt \"j\" refetch: \"0s\" is out of range"},
    {"jwt", "claims", JWT "claims = { id = 'sub', group = 'g' } }", 3,
     "jwt \"j\" claims.group: is nothing of a principal"},
    {"jwt", "claims", JWT "claims = { team = 'g' } }", 3,
     "jwt \"j\" claims: has no id; write id = \"sub\""},
    {"redis", "url", "redis 'r' {\nurl = 'http://h' }", 3,
     "redis \"r\" url: \"http://h\" is not a Redis URL; write "
     "\"redis://127.0.0.1:6379/0\""},
    {"redis", "user", REDIS "user = 'u' }", 3,
     "redis \"r\" user: needs a password; write password = env"},
    {"redis", "password", REDIS "password = env 'UNSET_KEY' }", 3,
     "redis \"r\" password: the environment variable UNSET_KEY is not set"},
    {"redis", "timeout", REDIS "timeout = 20 }", 3,
     "redis \"r\" timeout: a bare number has no unit; write \"20s\" or "},
    {"redis", "connect_timeout", REDIS "connect_timeout = '0s' }", 3,
     "redis \"r\" connect_timeout: \"0s\" is out of range"},
    {"redis", "ca_file", REDIS "ca_file = '/etc/passwd' }", 3,
     "redis \"r\" ca_file: means nothing without TLS; write url = "},
    {"limiter", "memory", "limits {\nmemory = '1KiB' }", 3, "limits memory: "},
    {"limiter", "full", "limits {\nfull = 'open' }", 3,
     "limits full: \"open\" is none of the choices"},
    {"kv", "memory", "kv {\nmemory = '1KiB' }", 3, "kv memory: "},
    {"endpoint", "max_body", "endpoint 'models' {\nmax_body = '8MiB' }", 3,
     "endpoint \"models\" max_body: means nothing here; it is for chat|"},
    {"endpoint", "lossy", "endpoint 'chat' {\nlossy = 'maybe' }", 3,
     "endpoint \"chat\" lossy: \"maybe\" is none of the choices; write one of "
     "drop|refuse"},
    {"endpoint", "validate", "endpoint 'chat' {\nvalidate = 'no' }", 3,
     "endpoint \"chat\" validate: must be a boolean, not a text"},
    {"endpoint", "max_messages", "endpoint 'embeddings' {\nmax_messages = 1 }",
     3, "max_messages: means nothing here; it is for chat|messages|"},
    {"endpoint", "max_tools", "endpoint 'chat' {\nmax_tools = 0 }", 3,
     "endpoint \"chat\" max_tools: 0 is "},
    {"endpoint", "max_images", "endpoint 'messages' {\nmax_images = '9' }", 3,
     "endpoint \"messages\" max_images: must be a number"},
    {"endpoint", "max_tokens", "endpoint 'count_tokens' {\nmax_tokens = 9 }",
     3, "max_tokens: means nothing here; it is for chat|completions|messages"},
    {"endpoint", "max_tokens_over",
     "endpoint 'chat' {\nmax_tokens_over = 'clamp' }", 3,
     "max_tokens_over: means nothing without max_tokens"},
    {"top", "price", "price 'nobody/x' { input = '1 USD/Mtok' }", 2,
     "price \"nobody/x\": there is no provider \"nobody\""},
    {"price", "input", "price 'sim/x' {\ninput = '2.5' }", 3,
     "price \"sim/x\" input: \"2.5\" is no price; write \"2.5 USD/Mtok\""},
    {"price", "output", "price 'sim/x' {\noutput = 2.5 }", 3,
     "price \"sim/x\" output: must be a text"},
    {"price", "cache_read", "price 'sim/x' {\ncache_read = '1 EUR/Mtok' }", 3,
     "cache_read: \"1 EUR/Mtok\" is no price"},
    {"price", "cache_write_5m",
     "price 'sim/x' {\ncache_write_5m = '-1 USD/Mtok' }", 3,
     "cache_write_5m: \"-1 USD/Mtok\" is no price"},
    {"price", "cache_write_1h",
     "price 'sim/x' {\ncache_write_1h = '0.0000001 USD/Mtok' }", 3,
     "cache_write_1h: \"0.0000001 USD/Mtok\" is no price"},
    {"price", "reasoning", "price 'sim/x' {\nreasoning = '' }", 3,
     "reasoning: "},
    {"top", "ledger", "ledger '90d'", 2, "ledger: must be a table"},
    {"ledger", "keep", "ledger {\nkeep = '1s' }", 3, "ledger keep: "},
    {"ledger", "spill", "ledger {\nspill = '1KiB' }", 3, "ledger spill: "},
    {"keys", "store", "keys {\nstore = 'yes' }", 3,
     "keys store: must be a boolean"},
    {"admin", "token", ADMIN "token = 'x' }", 3,
     "admin \"127.0.0.1:9\" token: a secret does not stand in the file"},
    {"admin", "tokens", ADMIN "tokens = { {} } }", 3,
     "admin \"127.0.0.1:9\" tokens[1].token: is missing"},
    {"admin_token", "token", ADMIN "tokens = { {\ntoken = 5 } } }", 4,
     "tokens[1].token: a secret does not stand in the file"},
    {"admin_token", "role", ADMIN "tokens = { { env('X', 'x'),\n"
     "role = 'root' } } }", 4,
     "tokens[1].role: \"root\" is none of the choices; write one of "
     "viewer|operator|admin"},
    {"admin_token", "name", ADMIN "tokens = { { env('X', 'x'),\n"
     "name = 'a b' } } }", 4, "tokens[1].name: \"a b\" is not a name"},
    {"log", "to", "log {\nto = 'stdout' }", 3,
     "log to: \"stdout\" is not an absolute path; write \"/stdout\""},
    {"log", "format", "log {\nformat = 'JSON' }", 3,
     "log format: \"JSON\" is none of the choices; write one of json|text"},
    {"log", "level", "log {\nlevel = 'warning' }", 3,
     "log level: \"warning\" is none of error|warn|info|debug; did you mean "
     "\"warn\"?"},
};

static bool is_row(const struct broken *b, const struct conf_row *row)
{
    return strcmp(b->key, row->key) == 0 &&
           strcmp(b->scope, conf_scopes[row->scope].name) == 0;
}

static void each_key_has_a_row(void)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        bool found = false;

        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
            found = found || is_row(&rows[k], &conf_rows[i]);
        if (!found)
            printf("\nno broken %s.%s in this table",
                   conf_scopes[conf_rows[i].scope].name, conf_rows[i].key);
        CU_ASSERT_TRUE(found);
    }
}

static void each_row_is_told(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024], at[64];
        json_t *canonical;
        struct err err;

        snprintf(text, sizeof text, "provider 'sim'\n%s\n", rows[i].text);
        snprintf(at, sizeof at, "penstock.conf:%d", rows[i].line);
        canonical = fixture_check(text, &err);
        if (canonical || !strstr(err.msg, rows[i].says))
            printf("\n%s.%s: \"%s\" does not say \"%s\"", rows[i].scope,
                   rows[i].key, err.msg, rows[i].says);
        CU_ASSERT_PTR_NULL(canonical);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i].says));
        if (strcmp(err.at, at) != 0)
            printf("\n%s.%s:", rows[i].scope, rows[i].key);
        UNIT_STR(err.at, at);
        UNIT_INT(err.code, ERR_CONFIG);
        json_decref(canonical);
    }
    fixture_clear();
}

/* A table of the repository is right by itself. */
static void table_is_sound(void)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];

        CU_ASSERT_PTR_EQUAL(conf_row_find(row->scope, str_of(row->key)), row);
        CU_ASSERT(row->help[0] && row->help[strlen(row->help) - 1] == '.');
        if (row->type == CONF_OBJECT)
            CU_ASSERT(conf_row_scope(row) < SCOPE_COUNT);
    }
    for (int i = 0; i < SCOPE_COUNT; i++) {
        const char *sugar = conf_scopes[i].positional;

        CU_ASSERT(!sugar || conf_row_find((enum conf_scope_id)i,
                                          str_of(sugar)) != NULL);
    }
}

UNIT_MAIN("config_keys", {"table is sound", table_is_sound},
          {"each key has a row", each_key_has_a_row},
          {"each row is told", each_row_is_told})
