-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- penstock.conf for the Lua language server. Made from
-- core/engine/config.def by docs/generate; do not edit.
---@meta penstock.conf

---@class penstock.conf.reference

---An environment variable.
---@param name string
---@param default string? # taken where it is not set
---@return penstock.conf.reference
function env(name, default) end

---The content of a file, without line ends after it.
---@param path string
---@return penstock.conf.reference
function file(path) end

---A credential of systemd's LoadCredential=.
---@param name string
---@return penstock.conf.reference
function credential(name) end

---Reads more files, in the order of their names.
---@param pattern string
function include(pattern) end

---Processes and the limits of every listener.
---@class penstock.conf.server
---@field workers? "auto"|integer # Worker processes; "auto" is one per core that we may use.
---@field user? string|penstock.conf.reference # User that workers become when started by root; unset: stay.
---@field max_body? string|penstock.conf.reference # Largest request body; larger ones get 413.
---@field max_connections? integer # Client connections per worker; above it new ones are closed.
---@field max_header? string|penstock.conf.reference # Largest request head; larger ones get 431.
---@field max_header_fields? integer # Most header fields of a request; more get 431.
---@field header_timeout? string|penstock.conf.reference # For the head of a request to arrive.
---@field body_timeout? string|penstock.conf.reference # Longest silence within a request's body.
---@field auth_failures? string|penstock.conf.reference # Wrong credentials from one address (IPv6: one /64); then it waits (429).
---@field idle_timeout? string|penstock.conf.reference # How long an idle connection is kept.
---@field write_stall? string|penstock.conf.reference # Longest time in which a client reads nothing at all.
---@field drain_timeout? string|penstock.conf.reference # For running requests to end when draining.
---@field high_water? string|penstock.conf.reference # Bytes queued for a client at which its upstream is paused.
---@field low_water? string|penstock.conf.reference # Bytes queued at which the upstream is resumed.
---@field memory_soft? string|penstock.conf.reference # Memory of a worker's own above which there is an alert.
---@field memory_hard? string|penstock.conf.reference # The same, above which the worker is replaced: a new one takes its place, it finishes its requests and ends.

---An address to listen on.
---@class penstock.conf.listen
---@field tls? (penstock.conf.tls)[]|penstock.conf.tls # Certificates; several are chosen by the client's SNI. Unset: plain HTTP.
---@field client_ca? string|penstock.conf.reference # PEM file of the authorities whose clients' certificates are believed; policies see them as req.client_cert. Unset: clients are not asked for one. Needs tls.
---@field client_auth? "required"|"optional" # "required": no connection without a certificate; "optional": one that is sent must be good. Unset: "required" where there is client_ca.
---@field client_crl? string|penstock.conf.reference # PEM file of revocation lists: one, not outdated, of each authority in a client's chain. Read when the configuration is loaded. Unset: nothing is revoked.
---@field anonymous? "none"|"local"|"public" # Who may call without a key. Unset: "local" while no key, team, jwt or policy of yours says who calls, else "none".
---@field detail? "brief"|"full" # "full" adds headers on target, attempts and timing to answers.
---@field cors? penstock.conf.cors # Pages in browsers that may call. Unset: none.
---@field trusted_proxies? (string|penstock.conf.reference)[]|string|penstock.conf.reference # Peers whose X-Forwarded-For is believed.

---A certificate of a listener.
---@class penstock.conf.tls
---@field cert string|penstock.conf.reference # PEM file: the certificate, then its chain.
---@field key penstock.conf.reference # Its private key in PEM.

---Pages in browsers that may call a listener.
---@class penstock.conf.cors
---@field origins (string|penstock.conf.reference)[]|string|penstock.conf.reference # Their origins, whole: "https://chat.example.com". "*" alone: every page.
---@field credentials? boolean # Requests may carry cookies and certificates of the browser.
---@field max_age? string|penstock.conf.reference # How long a browser remembers that it may.

---What providers inherit.
---@class penstock.conf.defaults
---@field timeouts? penstock.conf.timeouts # Limits in time of an attempt.
---@field retries? penstock.conf.retries # How often to try.
---@field health? penstock.conf.health # How its hosts are watched beside requests, and when a target is taken out by itself.
---@field pool? penstock.conf.pool # How many connections to each of its hosts are kept, and for how long.

---Limits in time of an attempt.
---@class penstock.conf.timeouts
---@field connect? string|penstock.conf.reference # To connect, TLS and the wait for an address included.
---@field head? string|penstock.conf.reference # Until the head of an answer. Unset: 120s for a stream (of a reasoning model four times that), and for a whole answer its total time.
---@field first_event? string|penstock.conf.reference # Until the first event of a stream; four times that for a reasoning model (provider.reasoning).
---@field idle? string|penstock.conf.reference # Between two pieces of an answer, streamed or whole, once it has begun; pings and comments count. Four times that for a reasoning model.
---@field gap? string|penstock.conf.reference # The same of a stream after its first event. Unset: from its first content on, learned from the streams of its target, at least 10s, four times that for a reasoning model; never more than idle.
---@field total? string|penstock.conf.reference # For a whole answer that is not streamed.
---@field commit_after? string|penstock.conf.reference # After this long without content a stream's head is sent, with keep-alive comments.

---How a provider's hosts are watched.
---@class penstock.conf.health
---@field probe? "off"|"open"|"idle" # When its list of models is asked for, which costs nothing: "open": while a breaker is open or a target was taken out by itself; "idle": also while nobody calls a target.
---@field interval? string|penstock.conf.reference # From one probe of a host to the next, a fifth more or less.
---@field timeout? string|penstock.conf.reference # For the answer to a probe.
---@field path? string|penstock.conf.reference # What is asked for (GET) in place of the list of models, after base_url: "/health".
---@field auto_disable? boolean # A target whose provider keeps refusing the key or the model, or that failed for ten minutes, is passed over until it serves again.

---Connections to each host of a provider, in each worker.
---@class penstock.conf.pool
---@field max? integer # Most connections in use at a time; a host that has as many is full, and requests go to the next target, or wait. Unset: any number.
---@field idle? string|penstock.conf.reference # How long a connection is kept that nobody uses.
---@field lifetime? string|penstock.conf.reference # How old a connection may be when a request takes it.
---@field warm? integer # Connections that are opened ahead of need, towards the most that were in use at a time in the last minutes; each by a request for the list of models.

---How often to try.
---@class penstock.conf.retries
---@field attempts? integer # All tries of a request, over all targets.
---@field same_target? integer # Further tries at one target.
---@field budget? string|penstock.conf.reference # Further tries at targets that are ill, as a share of a model's requests; 20 and one in two seconds come on top.

---How often to try for a model.
---@class penstock.conf.model_retries
---@field attempts? integer # All tries of a request, over all targets; unset: of the provider that was tried.
---@field same_target? integer # Further tries at one target; unset: of its provider.
---@field budget? string|penstock.conf.reference # Further tries at targets that are ill, as a share of its requests; unset: of the provider that was tried first.

---An account or host of a vendor.
---@class penstock.conf.provider
---@field vendor? string|penstock.conf.reference # Row of the catalogue; the provider's own name unless set.
---@field plugin? string|penstock.conf.reference # Name of a .so in plugin_path; the vendor's unless set.
---@field base_url? (string|penstock.conf.reference)[]|string|penstock.conf.reference # Where it answers; several make one target each. Unset: the vendor's or the plugin's own.
---@field unix_socket? string|penstock.conf.reference # Connect to this socket in place of the URL's host.
---@field keys? ("client"|penstock.conf.credential|string|penstock.conf.reference)[]|"client"|penstock.conf.credential|string|penstock.conf.reference # Its keys; "client" passes the client's own on. Unset: the vendor's environment variable.
---@field auth? penstock.conf.auth # How the key is sent.
---@field timeouts? penstock.conf.timeouts # Limits in time of an attempt.
---@field reasoning? (string|penstock.conf.reference)[]|string|penstock.conf.reference # Upstream models that think before they answer, with '*': their first_event is four times as long. The vendor's unless set.
---@field retries? penstock.conf.retries # How often to try.
---@field health? penstock.conf.health # How its hosts are watched beside requests, and when a target is taken out by itself.
---@field pool? penstock.conf.pool # How many connections to each of its hosts are kept, and for how long.
---@field max_concurrent? integer # Most calls under way at each of its targets, over all workers, where a model's block says nothing else. Unset: any number.
---@field adaptive? penstock.conf.adaptive # Find out how many calls each of its targets bears: fewer after a 429, an overload or a timeout, slowly more while it serves. Unset: no.
---@field quirks? penstock.conf.quirks # Deviations from the dialect, added to the vendor's.
---@field tags? table<string, string|penstock.conf.reference> # For policies: target.tags.
---@field headers? table<string, string|penstock.conf.reference> # Headers added to each request.
---@field settings? table # For the plugin; checked by its own schema.
---@field proxy? string|penstock.conf.reference # Proxy to go through. Unset: none, whatever the environment says.
---@field ca_file? string|penstock.conf.reference # PEM file of the authorities to trust; the system's unless set.
---@field http2? boolean # Offer HTTP/2.
---@field insecure? boolean # Do not check its certificate. For a test only.

---One key of a provider.
---@class penstock.conf.credential
---@field secret? penstock.conf.reference # The key: env "X", file "/path" or credential "x". One of secret, aws, google and entra must be there.
---@field [integer] penstock.conf.reference # The key: env "X", file "/path" or credential "x". One of secret, aws, google and entra must be there.
---@field exchange? boolean # The plugin says how the key is exchanged for a token, which is fetched before the last one ends and sent in its place.
---@field google? penstock.conf.google|string|penstock.conf.reference # In place of a key: access tokens of Google Cloud, fetched before the last one ends.
---@field aws? penstock.conf.aws # In place of a key: what signs requests to AWS, fetched before the last one ends.
---@field entra? penstock.conf.entra # In place of a key: access tokens of Microsoft Entra ID, fetched before the last one ends.
---@field name? string|penstock.conf.reference # For logs and metrics; its number unless set.
---@field weight? integer # Its share of the requests.

---Where tokens of Google Cloud come from.
---@class penstock.conf.google
---@field source? "default"|"account"|"metadata" # account: `account`, $GOOGLE_APPLICATION_CREDENTIALS or gcloud's own file; metadata: the machine's service account; default: the first of these that is there.
---@field account? penstock.conf.reference # The JSON of a service account, of an authorized user or of a workload identity federation, as a secret: file "/path".
---@field [integer] penstock.conf.reference # The JSON of a service account, of an authorized user or of a workload identity federation, as a secret: file "/path".
---@field scope? string|penstock.conf.reference # What the token may be used for.

---Where credentials of AWS come from.
---@class penstock.conf.aws
---@field source? "default"|"env"|"web_identity"|"profile"|"container"|"instance" # Which one; default: the first of these that is there.
---@field profile? string|penstock.conf.reference # Name in the shared files; $AWS_PROFILE, else "default", unless set. It may have keys, assume a role, sign on, or run a program.
---@field file? string|penstock.conf.reference # Shared credentials file; $AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials, unless set. Read by the service user.
---@field config_file? string|penstock.conf.reference # Shared config file; $AWS_CONFIG_FILE, else ~/.aws/config, unless set. Read by the service user.
---@field programs? boolean # profile: the program that its credential_process names may be run, by the service user, at each fetch.
---@field role? string|penstock.conf.reference # web_identity: ARN of the role; $AWS_ROLE_ARN unless set.
---@field token_file? string|penstock.conf.reference # web_identity: file of the identity's token; $AWS_WEB_IDENTITY_TOKEN_FILE unless set. Read by the service user at each fetch.
---@field region? string|penstock.conf.reference # web_identity, profile: region of the STS to ask; $AWS_REGION, else the profile's, else the global one, unless set.

---Where tokens of Microsoft Entra ID come from.
---@class penstock.conf.entra
---@field source? "default"|"secret"|"workload"|"managed" # secret: of an app registration; workload: its federated token in a file; managed: the machine's identity; default: the first of these that is there.
---@field tenant? string|penstock.conf.reference # Id of the directory; $AZURE_TENANT_ID unless set.
---@field client_id? string|penstock.conf.reference # Id of the application, or of a user-assigned identity; $AZURE_CLIENT_ID unless set.
---@field secret? penstock.conf.reference # The application's secret: env "X" or file "/path"; $AZURE_CLIENT_SECRET unless set.
---@field token_file? string|penstock.conf.reference # workload: file of the federated token; $AZURE_FEDERATED_TOKEN_FILE unless set. Read by the service user at each fetch.
---@field scope? string|penstock.conf.reference # What the token is for.

---How a provider's key is sent.
---@class penstock.conf.auth
---@field header? string|penstock.conf.reference # Name of the header.
---@field prefix? string|penstock.conf.reference # Before the key; "Bearer " for authorization, else nothing.

---How many calls a target bears, found out.
---@class penstock.conf.adaptive
---@field min? integer # Never fewer.
---@field max? integer # Never more. Unset: max_concurrent, else any number.

---Deviations from the dialect.
---@class penstock.conf.quirks
---@field rename? table<string, string|penstock.conf.reference> # Members of the request's top object: old = "new".
---@field drop? (string|penstock.conf.reference)[]|string|penstock.conf.reference # Members of the request's top object to leave out.
---@field reasoning_in? "none"|"reasoning_content"|"reasoning"|"reasoning_details"|"thinking_blocks"|"think_tags"|"thinking_parts" # The member in which a translated request sends back the reasoning of earlier turns, bytes and signatures as they came. Unset: what is known of the model, else "none".
---@field reasoning_out? "auto"|"think_tags"|"text" # <think> tags in the text of answers, for clients of another dialect: "auto" reads an answer that begins with one as reasoning, "think_tags" also where the opening one is missing, "text" leaves them. Unset: "auto".
---@field responses? "native"|"none" # Does the provider have an endpoint for OpenAI's Responses? "native": such requests go to it as they are; "none": they are translated. Unset: "none", but for plugins that speak Responses alone.
---@field responses_only? (string|penstock.conf.reference)[]|string|penstock.conf.reference # Upstream models, with "*", that are served by that endpoint alone: requests of other dialects are translated for it.
---@field responses_tools? (string|penstock.conf.reference)[]|string|penstock.conf.reference # The same for models that take tools there alone: of requests with tools.
---@field completions? "native"|"none" # Does the provider have an endpoint for OpenAI's legacy Completions? "none": such requests are asked by chat, where that can give what they want. Unset: "native", where the plugin speaks it.
---@field completions_for? (string|penstock.conf.reference)[]|string|penstock.conf.reference # Upstream models, with "*", that have that endpoint all the same.
---@field errors? table<string, "transient"|"overloaded"|"rate_limit"|"quota"|"auth"|"model_access"|"model_gone"|"context_length"|"content_filter"|"bad_request"|"region"|"timeout"|"connect"|"protocol"|"unknown"> # The provider's error codes: CODE = "class".

---A name that clients ask for.
---@class penstock.conf.model
---@field targets? (penstock.conf.target|string|penstock.conf.reference)[]|penstock.conf.target|string|penstock.conf.reference # Where it may go: "provider/upstream model".
---@field [integer] penstock.conf.target|string|penstock.conf.reference # Where it may go: "provider/upstream model".
---@field balance? "order"|"weighted"|"ewma" # How to choose: in their order; by chance and weight; or, of two that chance and weight name, the one that begins to answer sooner and has less to do. Unset: "weighted" where a target has a weight, else "order".
---@field affinity? "none"|"session"|"prompt" # "session": the requests of one conversation go to one target while it is well, for the sake of its prompt cache. "prompt": so do, where no conversation is named, those of a caller whose prompts begin alike, while the target has not half as much again to do as the others.
---@field prompt_prefix? string|penstock.conf.reference # With affinity = "prompt": how much of tools, system and messages must be the same. A shorter prompt is not worth a cache, and goes anywhere.
---@field affinity_ttl? string|penstock.conf.reference # So long after its last answer a conversation stays where that came from, also when its first choice is well again: about as long as the provider's cache. Unset: it goes back at once.
---@field fallback? (penstock.conf.target|string|penstock.conf.reference)[]|penstock.conf.target|string|penstock.conf.reference # Tried in order after the targets.
---@field retries? penstock.conf.model_retries # How often to try, in the place of what the providers say.
---@field on? penstock.conf.model_on # Models whose targets take over a class of refusals. No chain of them may lead back.
---@field on_exhausted? penstock.conf.model_exhausted # What a request gets when no target of this model can serve it: another model's answer, a fixed reply, or the one after the other. Unset: an error.

---What a request gets when no target can serve it.
---@class penstock.conf.model_exhausted
---@field model? string|penstock.conf.reference # The model whose targets are tried then, a smaller one say. Its tries are counted anew, up to 8 for a request; its own on_exhausted holds then.
---@field reply? string|penstock.conf.reference # The text of a whole answer, in the client's dialect, streamed or not. It says what the operator says and nothing else; endpoints without text get the error.

---Which model takes over what a target refused before its first content.
---@class penstock.conf.model_on
---@field context_length? string|penstock.conf.reference # Of a request that is too long for the target.
---@field content_filter? string|penstock.conf.reference # Of one that the provider's filter refused.

---A target of a model.
---@class penstock.conf.target
---@field target? string|penstock.conf.reference # "provider/upstream model", split at the first slash; '*' stands for what the model's '*' matched.
---@field [integer] string|penstock.conf.reference # "provider/upstream model", split at the first slash; '*' stands for what the model's '*' matched.
---@field weight? integer # Its share of the requests; 1 unless set.
---@field max_concurrent? integer # Most calls under way at it (at each of its provider's hosts), over all workers; then the next target is asked. Unset: any number.

---What some keys have in common.
---@class penstock.conf.team
---@field parent? string|penstock.conf.reference # A configured team above it: what that allows and limits holds as well.
---@field models? (string|penstock.conf.reference)[]|string|penstock.conf.reference # Model names it may use, with '*'; unset: all.
---@field tags? table<string, string|penstock.conf.reference> # For policies: principal.tags.
---@field limits? penstock.conf.limits # What its keys may use together.

---What a key or a team may use.
---@class penstock.conf.limits
---@field requests? string|penstock.conf.reference # Requests: "600/min", per s, min, h or day. A tenth of it may come at once.
---@field tokens? string|penstock.conf.reference # Tokens, of requests and answers together: "400k/min".
---@field concurrent? integer # Requests at the same time.

---A client's key.
---@class penstock.conf.key
---@field sha256 string|penstock.conf.reference # SHA-256 of the key, 64 hexadecimal digits.
---@field team? string|penstock.conf.reference # A configured team.
---@field user? string|penstock.conf.reference # Whose it is; for logs and policies.
---@field disabled? boolean # Refuse it.
---@field expires? string|penstock.conf.reference # Refuse it from then on: "2027-03-31" (0:00 UTC) or "2027-03-31T12:00:00Z".
---@field models? (string|penstock.conf.reference)[]|string|penstock.conf.reference # Model names it may use, with '*'; unset: its team's.
---@field endpoints? ("chat"|"completions"|"embeddings"|"models"|"messages"|"count_tokens"|"responses"|"gemini"|"images"|"audio"|"moderations"|"rerank"|"files"|"batches"|"fine_tuning"|"assistants"|"vector_stores"|"videos"|"containers"|"evals")[]|"chat"|"completions"|"embeddings"|"models"|"messages"|"count_tokens"|"responses"|"gemini"|"images"|"audio"|"moderations"|"rerank"|"files"|"batches"|"fine_tuning"|"assistants"|"vector_stores"|"videos"|"containers"|"evals" # Endpoints it may call; unset: all.
---@field cidrs? (string|penstock.conf.reference)[]|string|penstock.conf.reference # Addresses it may come from; unset: all.
---@field limits? penstock.conf.limits # What it may use; its team's hold as well.
---@field tags? table<string, string|penstock.conf.reference> # For policies: principal.tags; over the team's.

---An issuer of tokens whose bearers may call.
---@class penstock.conf.jwt
---@field issuer string|penstock.conf.reference # Who makes them: the claim iss, to the letter.
---@field audience (string|penstock.conf.reference)[]|string|penstock.conf.reference # Whom they must be meant for: one of these stands in the claim aud.
---@field algs? ("HS256"|"HS384"|"HS512"|"RS256"|"RS384"|"RS512"|"PS256"|"PS384"|"PS512"|"ES256"|"ES384"|"ES512"|"EdDSA")[]|"HS256"|"HS384"|"HS512"|"RS256"|"RS384"|"RS512"|"PS256"|"PS384"|"PS512"|"ES256"|"ES384"|"ES512"|"EdDSA" # Algorithms that a token may be signed with; each holds for keys of its type alone. Unset: RS256.
---@field jwks? penstock.conf.reference # The keys that sign, a JWKS, as a secret: file "/path". They are read at the start and at a reload.
---@field jwks_file? string|penstock.conf.reference # A file with the keys that is read again as often as refresh says, and for an unknown key; by the service user.
---@field jwks_url? string|penstock.conf.reference # Where the keys are fetched. Without jwks, jwks_file and jwks_url: what ISSUER/.well-known/openid-configuration says.
---@field ca_file? string|penstock.conf.reference # PEM file of the authorities to trust there; the system's unless set.
---@field leeway? string|penstock.conf.reference # How far clocks may differ: for exp, nbf and iat.
---@field refresh? string|penstock.conf.reference # How often the keys are fetched, or read; sooner where the issuer's Cache-Control says so.
---@field refetch? string|penstock.conf.reference # Least time between two fetches, those for an unknown key included.
---@field claims? table<string, string|penstock.conf.reference> # What of a token becomes the principal: id, team, user, models, endpoints, tags.NAME, limits.requests, limits.tokens or limits.concurrent = "path.of[0].claim"; a '?' at its end: it may be missing. Unset: id = "sub".

---Where callers' keys are looked for.
---@class penstock.conf.keys
---@field store? boolean # In the store of the state folder, too: what `penstock key` and the admin listener manage. Keys and teams of the file win over the store's of the same name.

---The admin listener.
---@class penstock.conf.admin
---@field token? penstock.conf.reference # The one token, with every right. At least 16 bytes.
---@field tokens? (penstock.conf.admin_token|string|penstock.conf.reference)[]|penstock.conf.admin_token|string|penstock.conf.reference # In its place: several, with their roles.

---A token of the admin listener.
---@class penstock.conf.admin_token
---@field token? penstock.conf.reference # At least 16 bytes.
---@field [integer] penstock.conf.reference # At least 16 bytes.
---@field role? "viewer"|"operator"|"admin" # "viewer" looks; "operator" disables, enables, rotates and reads the audit, too; "admin" does everything.
---@field name? string|penstock.conf.reference # For the audit; its number unless set.

---A Lua policy.
---@class penstock.conf.policy
---@field name? string|penstock.conf.reference # File NAME.lua in policy_path or among the shipped ones.
---@field [integer] string|penstock.conf.reference # File NAME.lua in policy_path or among the shipped ones.
---@field mode? "enforce"|"observe" # "observe": decisions are noted, not applied.
---@field fail? "open"|"closed" # What a failure of it means; the phase's rule unless set.
---@field endpoints? ("chat"|"completions"|"embeddings"|"models"|"messages"|"count_tokens"|"responses"|"gemini"|"images"|"audio"|"moderations"|"rerank"|"files"|"batches"|"fine_tuning"|"assistants"|"vector_stores"|"videos"|"containers"|"evals")[]|"chat"|"completions"|"embeddings"|"models"|"messages"|"count_tokens"|"responses"|"gemini"|"images"|"audio"|"moderations"|"rerank"|"files"|"batches"|"fine_tuning"|"assistants"|"vector_stores"|"videos"|"containers"|"evals" # Endpoints it is asked for; unset: all.
---@field conf? table # The policy's own settings. Where its schema says "secret": env "X", file "/path" or credential "x".

---Settings of one endpoint.
---@class penstock.conf.endpoint
---@field provider? string|penstock.conf.reference # Who serves requests here that name no model: files and what hangs on them belong to one account.
---@field anthropic_provider? string|penstock.conf.reference # The same for clients of Anthropic's API: its batches and files. Unset: provider.
---@field max_body? string|penstock.conf.reference # Largest body here; server.max_body unless set.
---@field lossy? "drop"|"refuse" # What a target of another dialect cannot be told: left out and named in x-penstock-dropped, or refused with 400.
---@field validate? boolean # Check each request by the rules of its dialect before anything is sent. Unset: true. The limits below hold either way.
---@field max_messages? integer # Most messages of a request; unset: any number.
---@field max_tools? integer # Most tools of a request; unset: any number.
---@field max_images? integer # Most images of a request; unset: any number.
---@field max_tokens? integer # Most tokens that a request may ask for; unset: any number.
---@field max_tokens_over? "refuse"|"clamp" # What happens to a request that asks for more. Unset: "refuse"; "clamp" lowers it to the limit.

---An HTTP service that policies may call.
---@class penstock.conf.service
---@field url string|penstock.conf.reference # Where it answers. A policy's path is appended; redirects are not followed.
---@field token? penstock.conf.reference # Sent with each call: Authorization: Bearer TOKEN.
---@field headers? table<string, string|penstock.conf.reference> # Headers added to each call; a policy cannot replace them.
---@field timeout? string|penstock.conf.reference # For a whole call, connecting included, where the policy names no other.
---@field max_body? string|penstock.conf.reference # Largest body of an answer; a call with a larger one fails.
---@field ca_file? string|penstock.conf.reference # PEM file of the authorities to trust; the system's unless set.
---@field observe? "get"|"all" # What a policy in mode "observe" may call: GET alone, or "all" where the other methods change nothing either.

---A Redis that policies may use.
---@class penstock.conf.redis
---@field url string|penstock.conf.reference # redis://HOST:PORT/DB, rediss:// for TLS, or unix:///PATH?db=DB; port 6379 and database 0 unless given.
---@field user? string|penstock.conf.reference # User of its access list; needs a password.
---@field password? penstock.conf.reference # Its password.
---@field timeout? string|penstock.conf.reference # For a command's reply, the wait for a connection included.
---@field connect_timeout? string|penstock.conf.reference # For a new connection: TCP, TLS, password and database.
---@field ca_file? string|penstock.conf.reference # PEM file of the authorities to trust with rediss://; the system's unless set.

---What policies share between workers.
---@class penstock.conf.kv
---@field memory? string|penstock.conf.reference # Memory for ps.kv, taken as it fills. When it is full, what would end the soonest goes.

---The memory of limits.
---@class penstock.conf.limiter
---@field memory? string|penstock.conf.reference # Memory for limits in use, shared by all workers and taken as it fills: 64 bytes for each caller and limit.
---@field full? "deny"|"allow" # What a request gets whose limits find no room: refused with 503, or not limited.

---How requests wait for a target.
---@class penstock.conf.queue
---@field max_wait? string|penstock.conf.reference # Longest wait for a place at a target; "0s": nobody waits.
---@field length? integer # Most requests that wait in one worker.
---@field memory? string|penstock.conf.reference # Most bytes of their bodies.
---@field target? string|penstock.conf.reference # Where none waited shorter for a whole interval, those who waited twice as long are turned away; "0s": never.
---@field interval? string|penstock.conf.reference # How long that must last.

---When a worker turns requests away.
---@class penstock.conf.shed
---@field lag? string|penstock.conf.reference # Its loop is that late, twice in a row: everybody is turned away; at four fifths of it, as of the other two, batch requests. "0s": not looked at.
---@field memory? string|penstock.conf.reference # Its resident memory. Unset: four fifths of the machine's, divided by the workers.
---@field connections? string|penstock.conf.reference # Its client connections, of server.max_connections. "0%": not looked at.

---What a model costs.
---@class penstock.conf.price
---@field input? string|penstock.conf.reference # "2.5 USD/Mtok": dollars for a million tokens that no cache served. Unset, as each of these: unknown.
---@field output? string|penstock.conf.reference # Tokens of the answer.
---@field cache_read? string|penstock.conf.reference # Input that the provider's cache served. Unset: as input.
---@field cache_write_5m? string|penstock.conf.reference # Input that was written to its cache. Unset: as input.
---@field cache_write_1h? string|penstock.conf.reference # The same, kept for an hour. Unset: as cache_write_5m.
---@field reasoning? string|penstock.conf.reference # Tokens of thought, where they cost something else. Unset: as output.
---@field search? string|penstock.conf.reference # "0.002 USD/search": what a ranker bills instead of tokens (Cohere's search units).

---What a model can not do.
---@class penstock.conf.capability
---@field kind? "chat"|"embed"|"rerank" # What it is asked for: one that is known to make vectors, or to rank, gets no other request, and one that is said to be for chat none for these. Unset: what the catalogue knows.
---@field context? integer # Most tokens of input and output together. Unset: not known.
---@field lacks? ("tools"|"vision"|"documents"|"audio"|"schema"|"prefill")[]|"tools"|"vision"|"documents"|"audio"|"schema"|"prefill" # What it cannot do. Unset: it is taken to be able.

---What is kept of each request.
---@class penstock.conf.ledger
---@field keep? string|penstock.conf.reference # How long rows are kept; the sums of each day stay.
---@field spill? string|penstock.conf.reference # Largest file of rows that wait for a database that does not take them.

---How a changed configuration is taken over.
---@class penstock.conf.reload
---@field tests? boolean # Require that the tests beside each policy (NAME_test.lua) pass; one that has none is fine.
---@field watch? boolean # Follow the files: a reload once nothing more was written to them, or beside them, for half a second. A fault keeps what is served. A generation that was rolled back to stays.
---@field bake? string|penstock.conf.reference # How long a new generation is watched: a worker that crashes in a plugin or policy within it takes the generation back.
---@field canary? string|penstock.conf.reference # How long one worker serves with a new plugin file before the others get it; 0s: not at all.
---@field rollback_if? penstock.conf.rollback_if # What else takes it back within that time. Unset: nothing.

---When a new generation is taken back.
---@class penstock.conf.rollback_if
---@field policy_errors? string|penstock.conf.reference # More than this share of its answers is "policy_failed".
---@field denials? string|penstock.conf.reference # Its share of 401, 403 and 429 of our own is more than so many times the former's: "x3". Unset: they do not count.
---@field min? integer # Answers of it before either is looked at.

---A receiver of alerts.
---@class penstock.conf.alert
---@field webhook penstock.conf.reference # URL that is posted to, as a secret: env "X", file "/path" or credential "x". Redirects are not followed.
---@field on? ("breaker"|"taken_out"|"credential_parked"|"cooling"|"model_down"|"cert"|"ledger"|"store"|"fds"|"loop_lag"|"memory"|"worker"|"reload"|"log_lines"|"limits_full"|"quarantine")[]|"breaker"|"taken_out"|"credential_parked"|"cooling"|"model_down"|"cert"|"ledger"|"store"|"fds"|"loop_lag"|"memory"|"worker"|"reload"|"log_lines"|"limits_full"|"quarantine" # Which alerts; unset: all.
---@field quiet? string|penstock.conf.reference # How long something must be over before that is said, so that what comes and goes is said once.
---@field ca_file? string|penstock.conf.reference # PEM file of the authorities to trust there; the system's unless set.

---Where and how to log.
---@class penstock.conf.log
---@field to? string|penstock.conf.reference # "stderr", or a file that is appended to.
---@field format? "json"|"text" # Form of a line.
---@field level? "error"|"warn"|"info"|"debug" # The least that is logged.

---Processes and the limits of every listener.
---@param value penstock.conf.server
function server(value) end

---Folder for what Penstock keeps; the build's state folder unless set.
---@param value string|penstock.conf.reference
function state(value) end

---Folder of the plugins (.so); the build's plugin folder unless set.
---@param value string|penstock.conf.reference
function plugin_path(value) end

---Folder of your own policies, looked at before the shipped ones.
---@param value string|penstock.conf.reference
function policy_path(value) end

---An address to listen on. Without one: 127.0.0.1:8080.
---@param name string
---@return fun(block: penstock.conf.listen)
function listen(name) end

---Address of a plain HTTP listener with /metrics only.
---@param value string|penstock.conf.reference
function metrics(value) end

---What providers inherit.
---@param value penstock.conf.defaults
function defaults(value) end

---An account or host of a vendor. The name alone takes everything from the vendor of that name.
---@param name string
---@return fun(block: penstock.conf.provider)
function provider(name) end

---A name that clients ask for, or a pattern with one '*'. Where there is a model block, only models with a block are served.
---@param name string
---@return fun(block: penstock.conf.model)
function model(name) end

---What its keys have in common.
---@param name string
---@return fun(block: penstock.conf.team)
function team(name) end

---A client's key, by its SHA-256.
---@param name string
---@return fun(block: penstock.conf.key)
function key(name) end

---An issuer of tokens (JWT) whose bearers may call; the policy jwt looks at them.
---@param name string
---@return fun(block: penstock.conf.jwt)
function jwt(name) end

---Where callers' keys are looked for.
---@param value penstock.conf.keys
function keys(value) end

---Address of the admin listener, an HTTP API for keys, teams, status and audit; implies keys.store.
---@param name string
---@return fun(block: penstock.conf.admin)
function admin(name) end

---The Lua policies in the order in which they are asked.
---@param value (penstock.conf.policy|string|penstock.conf.reference)[]|penstock.conf.policy|string|penstock.conf.reference
function policies(value) end

---Settings of one endpoint.
---@param name string
---@return fun(block: penstock.conf.endpoint)
function endpoint(name) end

---An HTTP service that policies may call: ps.http("name").
---@param name string
---@return fun(block: penstock.conf.service)
function service(name) end

---A Redis that policies may use: ps.redis("name").
---@param name string
---@return fun(block: penstock.conf.redis)
function redis(name) end

---What policies share between workers: ps.kv.
---@param value penstock.conf.kv
function kv(value) end

---The memory of limits: ps.take.
---@param value penstock.conf.limiter
function limits(value) end

---How requests wait for a target that has as many calls as it may.
---@param value penstock.conf.queue
function queue(value) end

---When a worker has too much to do and turns requests away.
---@param value penstock.conf.shed
function shed(value) end

---How a changed configuration is taken over, and when it is taken back.
---@param value penstock.conf.reload
function reload(value) end

---Where and how to log.
---@param value penstock.conf.log
function log(value) end

---What a model costs: "provider/model", or "provider/prefix*". It takes the place of the catalogue's price.
---@param name string
---@return fun(block: penstock.conf.price)
function price(name) end

---What a model can not do: "provider/model", or "provider/prefix*". It takes the place of what the catalogue says. A target that cannot do what a request needs is passed over where another is left.
---@param name string
---@return fun(block: penstock.conf.capability)
function capability(name) end

---What is kept of each request for `penstock usage`.
---@param value penstock.conf.ledger
function ledger(value) end

---A receiver of alerts: it is told what began to be wrong, and that it is over.
---@param name string
---@return fun(block: penstock.conf.alert)
function alert(name) end
