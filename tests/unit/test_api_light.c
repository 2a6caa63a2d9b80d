/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* References that are no objects: req, its caller and tags, a key, the plan. */
#include "policy_unit.h"

#include "base/sha256.h"

/* What was kept raises, also where a later call has things of the same kinds;
 * two of one call are one; and none of them is null. */
static void kept_ones_raise(void)
{
    static const char source[] =
        "local kept = {}\n"
        "local function all(what)\n"
        "  for _, k in ipairs(kept) do\n"
        "    for name, use in pairs({ read = function() return k.id end,\n"
        "        write = function() k.model = 'x' end,\n"
        "        each = function() for _ in pairs(k) do end end }) do\n"
        "      local ok, e = pcall(use)\n"
        "      if ok or not tostring(e):find(what, 1, true) then\n"
        "        ps.note(name .. ' ' .. tostring(k) .. ': ' .. tostring(e))\n"
        "      end\n"
        "    end\n"
        "  end\n"
        "end\n"
        "return { api = 1, admit = function(req)\n"
        "  if #kept > 0 then all('is over') end\n"
        "  assert(req.principal == req.principal and req ~= req.principal)\n"
        "  assert(kept[1] ~= req and type(req) == 'userdata')\n"
        "  assert(req ~= ps.null and tostring(ps.null) == 'null')\n"
        "  assert(tostring(req) == 'req' and\n"
        "         tostring(req.principal.tags) == 'tags')\n"
        "  assert(not pcall(function() return ps.null.x end))\n"
        "  assert(ps.json.encode(req) == nil)\n"
        "  kept = { req }\n"
        "  ps.note(req.principal.id)\n"
        "end }\n";
    static const struct principal callers[2] = { { .id = STR("a") },
                                                 { .id = STR("b") } };
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p", source);
    CU_ASSERT_TRUE_FATAL(fake_open(&f, NULL));
    for (size_t i = 0; i < 4; i++) {
        f.run.principal = &callers[i % 2];
        fake_run(&f, PHASE_ADMIT);
        UNIT_INT(f.out.verdict, POLICY_NONE);
    }
    UNIT_STR(f.notes, "p: a\n"
                      "p: each req: bad argument #1 to 'pairs' (table "
                      "expected, got req)\np: b\n"
                      "p: each req: bad argument #1 to 'pairs' (table "
                      "expected, got req)\np: a\n"
                      "p: each req: bad argument #1 to 'pairs' (table "
                      "expected, got req)\np: b\n");
    fake_clear(&f);
}

/* A key that was sent; and one more, which is an object. */
static void keys_that_are_found(void)
{
    static const char source[] =
        "local kept\n"
        "return { api = 1, authenticate = function(req)\n"
        "  local sent, other = ps.keys.presented(),\n"
        "                      ps.keys.get(ps.sha256('two'))\n"
        "  if kept and pcall(function() return kept.id end) then\n"
        "    ps.note('kept')\n"
        "  end\n"
        "  kept = sent\n"
        "  ps.note((sent and sent.id or 'none') .. ' ' .. other.id)\n"
        "  assert(not pcall(function() sent.id = 'x' end))\n"
        "  return sent\n"
        "end }\n";
    struct conf_key keys[2] = { { .name = STR("key-1") },
                                { .name = STR("key-2") } };
    struct fake f;

    sha256(STR("one"), keys[0].sha256);
    sha256(STR("two"), keys[1].sha256);
    fake_init(&f);
    f.config.keys = keys;
    f.config.n_keys = 2;
    fake_policy(&f, "p", source);
    CU_ASSERT_TRUE_FATAL(fake_open(&f, NULL));
    f.fields[FIELD_CREDENTIAL] = text_value("one");
    fake_run(&f, PHASE_AUTHENTICATE);
    UNIT_INT(f.out.verdict, POLICY_PRINCIPAL);
    CU_ASSERT(str_is(f.out.principal->id, "key-1"));
    f.fields[FIELD_CREDENTIAL] = text_value("wrong");
    fake_run(&f, PHASE_AUTHENTICATE);
    UNIT_INT(f.out.verdict, POLICY_NONE);
    f.fields[FIELD_CREDENTIAL] = (struct policy_value){ .type = VALUE_NIL };
    fake_run(&f, PHASE_AUTHENTICATE);
    UNIT_INT(f.out.verdict, POLICY_NONE);
    UNIT_STR(f.notes, "p: key-1 key-2\np: none key-2\np: none key-2\n");
    fake_clear(&f);
}

UNIT_MAIN("api_light", { "kept ones raise", kept_ones_raise },
          { "keys that are found", keys_that_are_found })
