# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`penstock models`, and that each row of the catalogue says what it must."""
import json
import subprocess

import pytest

from conftest import PENSTOCK, SRC

CATALOGUE = SRC / "plugins" / "catalogue"
VENDORS = json.loads((CATALOGUE / "vendors.json").read_text())["vendors"]
CLASSES = {"transient", "overloaded", "rate_limit", "quota", "auth",
           "model_access", "model_gone", "context_length", "content_filter",
           "bad_request", "region", "timeout"}


def models(*args):
    return subprocess.run([PENSTOCK, "models", *args], text=True,
                          capture_output=True, timeout=30)


def test_there_are_forty_and_more():
    assert len(VENDORS) >= 40
    for name in ("azure groq deepseek mistral xai openrouter together "
                 "fireworks perplexity cerebras huggingface nvidia sambanova "
                 "moonshot zai dashscope vllm sglang llama.cpp lmstudio "
                 "ollama").split():
        assert name in VENDORS


@pytest.mark.parametrize("name", VENDORS)
def test_a_row_says_what_is_needed(name):
    row = VENDORS[name]
    assert row["source"] and row["read"].startswith("2026-")
    assert (SRC / "plugins" / row["plugin"]).is_dir()
    yours = "base_url is" in row.get("source", "") + row.get("notes", "")
    assert row.get("base_url", "").startswith("http") or yours
    assert row.get("env") or row.get("keyless") or yours
    assert set(row.get("quirks", {}).get("errors", {}).values()) <= CLASSES
    assert set(row.get("quirks", {})) <= {
        "rename", "drop", "errors", "reasoning_in", "reasoning_out",
        "responses", "responses_only", "responses_tools", "completions",
        "completions_for"}


def test_two_vendors_of_one_key_are_not_both_made_by_themselves():
    seen = {}
    for name, row in VENDORS.items():
        if row.get("env") and row.get("base_url") and not row.get("by_name"):
            assert row["env"] not in seen, (name, seen[row["env"]])
            seen[row["env"]] = name


@pytest.mark.parametrize("name", [
    n for n, r in VENDORS.items() if n != "sim"])
def test_a_row_makes_a_provider(name, tmp_path):
    row = VENDORS[name]
    url = "" if row.get("base_url") else 'base_url = "http://127.0.0.1:1/v1",'
    keys = "" if row.get("env") or row.get("keyless") else "keys = {},"
    conf = tmp_path / "p.conf"
    conf.write_text(f'provider "{name}" {{ {url} {keys} }}\n'
                    'listen "127.0.0.1:8080"\n')
    got = subprocess.run([PENSTOCK, "check", "--static", str(conf)],
                         capture_output=True, text=True, timeout=30)
    assert got.returncode == 0, got.stdout + got.stderr


def test_models_are_shown_with_price_and_abilities():
    got = models("anthropic/claude-opus-4-6")
    assert got.returncode == 0
    head, row = got.stdout.splitlines()
    assert head.split()[:3] == ["name", "context", "output"]
    assert row.split()[:5] == ["anthropic/claude-opus-4-6", "1000000",
                               "128000", "5", "25"]
    assert "tools" in row and "-prefill" in row
    told = json.loads(models("--json", "anthropic/claude-opus-4-6").stdout)
    assert told[0]["context"] == 1000000 and "2026-07-24" in told[0]["source"]


def test_a_model_is_found_without_its_vendor():
    whole = models("anthropic/claude-opus-4-6").stdout
    assert models("claude-opus-4-6").stdout == whole
    assert "openai/gpt-4o " in models("gpt-4*").stdout
    assert "(* stands for any text)" in models("nosuch").stderr
    assert models("--vendors", "claude-opus-4-6").returncode == 1


def test_vendors_are_shown():
    got = models("--vendors", "zai*")
    assert got.returncode == 0
    assert [r.split()[0] for r in got.stdout.splitlines()] == [
        "name", "zai", "zai-coding", "zai-anthropic"]


@pytest.mark.parametrize("args, code, says", [
    (["nosuch"], 1, "may work all the same"),
    (["--vendors", "nosuch"], 1, "no vendor"),
    (["--nosuch"], 2, "what is"),
    (["a", "b"], 2, "what is"),
])
def test_what_is_wrong_is_said(args, code, says):
    got = models(*args)
    assert got.returncode == code and says in got.stderr


def test_the_table_of_models_is_what_its_script_makes(tmp_path):
    table = tmp_path / "t.json"
    table.write_text(json.dumps({
        "xai/grok": {"litellm_provider": "xai", "mode": "chat",
                     "max_input_tokens": 10, "supports_vision": False,
                     "supports_function_calling": True},
        "img": {"litellm_provider": "openai", "mode": "image_generation"}}))
    got = subprocess.run([SRC / "contrib" / "models", f"{table}=here, today"],
                         capture_output=True, text=True, timeout=30)
    assert json.loads(got.stdout)["vendors"] == {"xai": {"grok": {
        "context": 10, "can": ["tools"], "not": ["vision"], "source": "a"}}}
    assert json.loads(got.stdout)["sources"] == {"a": "here, today"}


def test_check_notes_keys_that_nothing_reads(tmp_path):
    """They do no harm, so they are told, with their line; what is read in
    its place is not, nor what nobody wrote."""
    conf = tmp_path / "p.conf"
    conf.write_text("""\
listen "127.0.0.1:0"
provider "own" { vendor = "vllm", base_url = "http://127.0.0.1:1/v1",
  unix_socket = "/run/own", proxy = "http://127.0.0.1:2",
  http2 = true }
provider "far" { vendor = "openai-compatible", base_url = "https://h/v1",
  ca_file = "/etc/ca.pem", insecure = true, http2 = true,
  proxy = "http://127.0.0.1:2", keys = {
  { google = { source = "metadata",
    account = file "/k", scope = "s" } },
  { entra = { source = "workload", tenant = "t", token_file = "/t",
    secret = env "S" } } } }
provider "aws" { vendor = "openai-compatible", base_url = "https://h/v1",
  keys = { { aws = { source = "web_identity", role = "r", region = "eu",
    profile = "work" } }, { aws = { profile = "work" } } } }
model "a/1" { balance = "order",
  { "own/x", weight = 3 }, "own/y",
  fallback = { { "own/z", weight = 2 } } }
model "b" { balance = "order", affinity = "session", { "own/x", weight = 3 } }
model "c" { { "own/x", weight = 3 }, "own/y" }
queue { max_wait = "0s",
  length = 9 }
""")
    got = subprocess.run([PENSTOCK, "check", "--static", conf],
                         capture_output=True, text=True, timeout=30)
    assert got.returncode == 0, got.stderr
    assert [line.split("p.conf:")[1].split(": ")[:3:2]
            for line in got.stderr.splitlines()] == [
        ["3", 'provider "own" proxy'], ["4", 'provider "own" http2'],
        ["6", 'provider "far" ca_file'],
        ["9", 'provider "far" keys[1].google.account'],
        ["9", 'provider "far" keys[1].google.scope'],
        ["11", 'provider "far" keys[2].entra.secret'],
        ["14", 'provider "aws" keys[1].aws.profile'],
        ["16", 'model "a/1" targets[1].weight'],
        ["17", 'model "a/1" fallback[1].weight'], ["21", "queue length"]]
    assert 'with source = "web_identity", but with default|profile' \
        in got.stderr
    got = subprocess.run([PENSTOCK, "check", "--static", "--json", conf],
                         capture_output=True, text=True, timeout=30)
    assert json.loads(got.stdout)["notes"][-1]["key"] == "queue length"


def test_check_notes_models_that_nobody_knows(tmp_path):
    """A slip of the pen is told, never refused; what a block speaks of, what
    is a pattern, and vendors of whom nothing is known are let be."""
    conf = tmp_path / "p.conf"
    conf.write_text("""\
listen "127.0.0.1:0"
provider "groq" { keys = {} }
provider "fast" { vendor = "groq", keys = {} }
provider "own" { vendor = "vllm", base_url = "http://127.0.0.1:1/v1" }
model "a" { "groq/llama-3.3-70b-versatil" }
model "b" { "fast/nobody-knows-it", fallback = { "own/mine" } }
model "c" { "groq/llama-3.3-70b-versatile", fallback = { "groq/new" } }
model "d*" { "groq/d*" }
capability "groq/new" { context = 8192 }
""")
    got = subprocess.run([PENSTOCK, "check", "--static", conf],
                         capture_output=True, text=True, timeout=30)
    assert got.returncode == 0 and ": ok: " in got.stdout
    lines = got.stderr.splitlines()
    assert len(lines) == 2, got.stderr
    assert lines[0].endswith(
        "p.conf:5: note: groq/llama-3.3-70b-versatil: the catalogue knows no "
        "'llama-3.3-70b-versatil' of groq; did you mean "
        "'llama-3.3-70b-versatile'?")
    assert "p.conf:6: note: fast/nobody-knows-it: " in lines[1]
    got = subprocess.run([PENSTOCK, "check", "--static", "--json", conf],
                         capture_output=True, text=True, timeout=30)
    assert [n["target"] for n in json.loads(got.stdout)["notes"]] == [
        "groq/llama-3.3-70b-versatil", "fast/nobody-knows-it"]
