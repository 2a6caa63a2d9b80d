# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`penstock import litellm`: what comes out passes `check` and means the same;
what cannot be taken over is named with its line."""
import hashlib
import json
import subprocess

import pytest

from conftest import PENSTOCK

WHOLE = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://my-res.openai.azure.com/
      api_key: os.environ/AZURE_KEY_EU
      api_version: "2024-02-01"
      rpm: 600
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-ca
      api_base: https://other.openai.azure.com/
      api_key: sk-written-out
      rpm: 1200
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      order: 2
  - model_name: claude
    litellm_params: &c
      model: anthropic/claude-opus-5
      api_key: os.environ/ANTHROPIC_API_KEY
      timeout: 300
      stream_timeout: 60.5
      max_parallel_requests: 20
  - model_name: claude-again
    litellm_params: *c
  - model_name: local
    litellm_params:
      model: ollama/llama3
      api_base: http://10.0.0.3:11434
  - model_name: "claude-*"
    litellm_params:
      model: "anthropic/claude-*"
  - model_name: gone
    litellm_params:
      model: sagemaker/meta-textgeneration
router_settings:
  routing_strategy: least-busy
  num_retries: 2
  cooldown_time: 60
  fallbacks:
    - gpt-4o: ["claude", "nosuch"]
  context_window_fallbacks: [{"gpt-4o": ["claude"]}]
  model_group_alias: {"gpt-4": "gpt-4o"}
litellm_settings:
  drop_params: true
  success_callback: ["langfuse"]
  request_timeout: 90
general_settings:
  master_key: sk-1234
  database_url: postgresql://u:p@h/db
"""


def convert(tmp_path, text, *args):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return subprocess.run([PENSTOCK, "import", "litellm", path, *args],
                          capture_output=True, text=True, timeout=60)


def dumped(tmp_path, text):
    conf = tmp_path / "p.conf"
    conf.write_text(text)
    got = subprocess.run([PENSTOCK, "check", "--static", conf],
                         capture_output=True, text=True, timeout=30)
    assert got.returncode == 0, got.stdout + got.stderr
    got = subprocess.run([PENSTOCK, "config", "dump", "--static", "--json", "-c",
                          conf], capture_output=True, text=True, timeout=30)
    return json.loads(got.stdout)


@pytest.fixture
def whole(tmp_path):
    got = convert(tmp_path, WHOLE)
    assert got.returncode == 0, got.stderr
    return got, dumped(tmp_path, got.stdout)


def targets(list_):
    return [t["target"] for t in list_]


FOUNDRY = """\
model_list:
  - model_name: m1
    litellm_params:
      model: azure_ai/Mistral-large
      api_base: https://m1-serverless.eastus2.models.ai.azure.com/
      api_key: os.environ/SERVERLESS_KEY
  - model_name: m2
    litellm_params:
      model: azure_ai/DeepSeek-R1
      api_base: https://res.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview
      api_key: os.environ/FOUNDRY_KEY
      api_version: 2024-05-01-preview
  - model_name: m3
    litellm_params:
      model: azure_ai/grok-4
      api_base: https://res.services.ai.azure.com
      api_key: os.environ/FOUNDRY_KEY
  - model_name: m4
    litellm_params:
      model: azure_ai/claude-opus-5
      api_base: https://res.services.ai.azure.com/anthropic
      api_key: os.environ/FOUNDRY_KEY
  - model_name: m5
    litellm_params:
      model: azure_ai/gpt-5
      api_base: https://res.services.ai.azure.com/api/projects/p1
      api_key: os.environ/FOUNDRY_KEY
  - model_name: m6
    litellm_params:
      model: azure_ai/phi-4
      api_base: https://res.cognitiveservices.azure.com/openai/v1/
      api_key: os.environ/FOUNDRY_KEY
  - model_name: m7
    litellm_params:
      model: azure_ai/llama
      api_base: https://mine.eastus.inference.ml.azure.com/v1/chat/completions
      api_key: os.environ/SERVERLESS_KEY
"""


def test_azure_ai_is_what_its_address_says(tmp_path):
    got = convert(tmp_path, FOUNDRY)
    assert got.returncode == 0, got.stderr
    conf = dumped(tmp_path, got.stdout)
    have = {}
    for i in range(1, 8):
        target, = targets(conf["model"][f"m{i}"]["targets"])
        p = conf["provider"][target.split("/")[0]]
        have[f"m{i}"] = (p["vendor"], *p["base_url"])
    res = "https://res.services.ai.azure.com"
    assert have == {
        "m1": ("azure-serverless",
               "https://m1-serverless.eastus2.models.ai.azure.com"),
        "m2": ("azure-foundry", res + "/openai/v1"),
        "m3": ("azure-foundry", res + "/openai/v1"),
        "m4": ("anthropic", res + "/anthropic"),
        "m5": ("azure-foundry", res + "/api/projects/p1/openai/v1"),
        "m6": ("azure-foundry",
               "https://res.cognitiveservices.azure.com/openai/v1"),
        "m7": ("azure-serverless",
               "https://mine.eastus.inference.ml.azure.com/v1")}
    assert targets(conf["model"]["m2"]["targets"]) == [
        targets(conf["model"]["m3"]["targets"])[0].replace(
            "grok-4", "DeepSeek-R1")]  # one account


def test_providers(whole):
    p = whole[1]["provider"]
    assert set(p) == {"azure", "azure-2", "openai", "anthropic", "ollama",
                      "anthropic-2"}
    assert p["azure"]["base_url"] == [
        "https://my-res.openai.azure.com/openai/v1"]
    assert p["azure"]["keys"][0]["secret"] == {"$env": "AZURE_KEY_EU"}
    assert p["azure-2"]["keys"][0]["secret"] == {"$env": "AZURE_2_KEY"}
    assert p["ollama"]["base_url"] == ["http://10.0.0.3:11434/v1"]
    assert p["anthropic"]["timeouts"]["first_event"] == "60500ms"
    assert "sk-written-out" not in whole[0].stdout


def test_models(whole):
    m = whole[1]["model"]
    assert set(m) == {"gpt-4o", "claude", "claude-again", "local",
                      "claude-*", "gpt-4"}
    assert targets(m["gpt-4o"]["targets"]) == ["azure/gpt-4o-eu",
                                               "azure-2/gpt-4o-ca"]
    assert [t["weight"] for t in m["gpt-4o"]["targets"]] == [500, 1000]
    assert m["gpt-4o"]["balance"] == "ewma"
    assert targets(m["gpt-4o"]["fallback"]) == ["openai/gpt-4o",
                                                "anthropic/claude-opus-5"]
    assert m["gpt-4o"]["on"] == {"context_length": "claude"}
    assert m["claude"]["targets"][0]["max_concurrent"] == 20
    assert targets(m["claude-again"]["targets"]) == [
        "anthropic/claude-opus-5"]
    assert m["gpt-4"]["targets"] == m["gpt-4o"]["targets"]


def test_the_rest(whole):
    conf = whole[1]
    assert conf["defaults"]["retries"]["attempts"] == 3
    assert conf["defaults"]["timeouts"]["total"] == "90000ms"
    assert conf["key"]["master"]["sha256"] == hashlib.sha256(
        b"sk-1234").hexdigest()


@pytest.mark.parametrize("line, says", [
    (7, "api_version"), (8, "rpm"), (35, "sagemaker/"), (39, "least-busy"),
    (41, "router_settings.cooldown_time"), (43, "nosuch"),
    (48, "success_callback"), (52, "database_url")])
def test_what_is_left_out_is_named_with_its_line(whole, line, says):
    notes = whole[0].stderr.splitlines()
    assert any(f"config.yaml:{line}: " in n and says in n for n in notes), \
        whole[0].stderr


def test_a_key_written_out_is_told_but_not_shown(whole):
    assert "AZURE_2_KEY: a key was written out" in whole[0].stderr
    assert "sk-written-out" not in whole[0].stderr


def test_nothing_else_is_left_out(whole):
    assert whole[0].stderr.splitlines()[-1].startswith("7 models of 6 ")
    assert len(whole[0].stderr.splitlines()) == 11


@pytest.mark.parametrize("text, says", [
    ("a: [1\nb: x", "config.yaml:2: "),
    ("a: 1\n", "has no model_list"),
    ("model_list: []\n", "has no model_list"),
    ("model_list:\n- model_name: x\n", "can be mapped"),
    ("", "has no model_list"),
])
def test_what_is_no_configuration_is_refused(tmp_path, text, says):
    got = convert(tmp_path, text)
    assert got.returncode == 1 and says in got.stderr, got.stderr


def test_anchors_do_not_multiply(tmp_path):
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n"
        for i in range(1, 15))
    got = convert(tmp_path, bomb + "model_list:\n- model_name: x\n"
                  "  litellm_params: {model: gpt-4o, extra: *a14}\n")
    assert got.returncode == 0 and 'model "x"' in got.stdout
    assert len(got.stderr) < 2000


def test_many_lines_without_a_counterpart_take_no_minutes(tmp_path):
    more = "".join(f"  k{i}: {i}\n" for i in range(20000))
    got = convert(tmp_path, "model_list:\n- model_name: x\n"
                  "  litellm_params: {model: gpt-4o}\nextra:\n" + more)
    assert got.returncode == 0
    assert len(got.stderr.splitlines()) == 20001


def test_quotes_stay_quotes(tmp_path):
    got = convert(tmp_path, 'model_list:\n- model_name: "a b\\"c"\n'
                  '  litellm_params: {model: "gpt \\\\ x"}\n')
    assert 'model "a b\\"c"' in got.stdout
    assert '"openai/gpt \\\\ x"' in got.stdout


def test_as_json(tmp_path):
    told = json.loads(convert(tmp_path, WHOLE, "--json").stdout)
    assert told["notes"][0]["line"] == 8 and "provider" in told["conf"]


def test_models_on_the_clouds_hosts(tmp_path):
    """Where they are comes over as settings, and what stood in the model's
    name for the API goes: the client and the model say which one is asked."""
    got = convert(tmp_path, """\
model_list:
  - model_name: flash
    litellm_params:
      model: vertex_ai/gemini-2.5-flash
      vertex_project: my-project
      vertex_location: europe-west1
      vertex_credentials: /run/secrets/gcp.json
  - model_name: claude
    litellm_params:
      model: vertex_ai/claude-sonnet-4-5@20250929
      vertex_project: my-project
      vertex_location: europe-west1
  - model_name: haiku
    litellm_params:
      model: bedrock/invoke/eu.anthropic.claude-haiku-4-5-20251001-v1:0
      aws_region_name: eu-west-1
  - model_name: nova
    litellm_params:
      model: bedrock/converse/amazon.nova-pro-v1:0
      aws_region_name: os.environ/AWS_REGION
""")
    assert got.returncode == 0, got.stderr
    conf = dumped(tmp_path, got.stdout)
    assert conf["provider"]["vertex"]["settings"] == {
        "project": "my-project", "location": "europe-west1"}
    assert conf["provider"]["bedrock"]["settings"] == {"region": "eu-west-1"}
    assert targets(conf["model"]["claude"]["targets"]) == [
        "vertex/claude-sonnet-4-5@20250929"]
    assert targets(conf["model"]["haiku"]["targets"]) == [
        "bedrock/eu.anthropic.claude-haiku-4-5-20251001-v1:0"]
    assert targets(conf["model"]["nova"]["targets"]) == [
        "bedrock-2/amazon.nova-pro-v1:0"]
    said = got.stdout + got.stderr
    assert "{ { google = {} } }" in said and "{ { aws = {} } }" in said
    assert "aws_region_name" in said and "vertex_credentials" in said


def test_maps_that_are_merged(tmp_path):
    got = convert(tmp_path, """\
model_list:
  - model_name: a
    litellm_params: &p
      model: groq/llama
      api_key: os.environ/GK
  - model_name: b
    litellm_params:
      <<: *p
      model: groq/llama2
  - model_name: c
    litellm_params: &self
      <<: [{api_base: "http://10.0.0.1/v1"}, *p, *self]
      model: hosted_vllm/x
""")
    assert got.returncode == 0 and not got.stderr.count("api_key"), got.stderr
    conf = dumped(tmp_path, got.stdout)
    assert conf["provider"]["groq"]["keys"] and len(conf["provider"]) == 2
    assert conf["provider"]["vllm"]["base_url"] == ["http://10.0.0.1/v1"]
    assert targets(conf["model"]["b"]["targets"]) == ["groq/llama2"]


def test_an_address_of_the_environment(tmp_path, monkeypatch):
    text = """\
model_list:
  - model_name: a
    litellm_params: {model: azure/x, api_base: os.environ/MY_BASE}
  - model_name: b
    litellm_params: {model: openai/y, api_base: os.environ/OTHER_BASE}
"""
    monkeypatch.setenv("MY_BASE", "https://r.openai.azure.com/")
    got = convert(tmp_path, text)
    conf = dumped(tmp_path, got.stdout)["provider"]
    assert conf["azure"]["base_url"] == ["https://r.openai.azure.com/openai/v1"]
    assert conf["openai"]["base_url"] == ["https://set-other-base.invalid"]
    assert "config.yaml:3: MY_BASE" in got.stderr
    assert "config.yaml:5: OTHER_BASE" in got.stderr and \
        "write it into base_url" in got.stderr


def test_fallbacks_of_every_model(tmp_path):
    got = convert(tmp_path, """\
model_list:
  - model_name: a
    litellm_params: {model: openai/x}
  - model_name: b
    litellm_params: {model: groq/y}
  - model_name: "*"
    litellm_params: {model: "*"}
router_settings:
  fallbacks: [{"*": [b]}]
  timeout: 30
  num_retries: 2
  model_group_alias: {"z": {"model": "a", "hidden": true}}
litellm_settings:
  request_timeout: 60
  num_retries: 3
""")
    assert got.returncode == 0, got.stderr
    conf = dumped(tmp_path, got.stdout)
    assert targets(conf["model"]["a"]["fallback"]) == ["groq/y"]
    for line, what in (("7", "*"), ("14", "request_timeout"),
                       ("15", "num_retries"), ("12", "z")):
        assert f"config.yaml:{line}: {what}" in got.stderr, (what, got.stderr)
