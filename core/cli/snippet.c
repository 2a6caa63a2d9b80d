/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Snippets are templates: @BASE@, @MODEL@ and @KEY@ are filled in. Each is
 * what its client's own documentation asks for (read 2026-11); the stories
 * run those whose client is installed there.
 */
#include "cli/snippet.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *name, *key, *open_key, *text;
} snippets[] = {
    { "curl", "$PENSTOCK_KEY", "none",
      "curl @BASE@/v1/chat/completions \\\n"
      "    -H 'content-type: application/json' \\\n"
      "    -H \"authorization: Bearer @KEY@\" \\\n"
      "    -d '{\"model\":\"@MODEL@\",\"messages\":[{\"role\":\"user\","
      "\"content\":\"Hello!\"}]}'\n" },
    { "openai", "os.environ[\"PENSTOCK_KEY\"]", "\"none\"",
      "import os\n"
      "from openai import OpenAI\n"
      "\n"
      "client = OpenAI(base_url=\"@BASE@/v1\", api_key=@KEY@)\n"
      "answer = client.chat.completions.create(\n"
      "    model=\"@MODEL@\",\n"
      "    messages=[{\"role\": \"user\", \"content\": \"Hello!\"}])\n"
      "print(answer.choices[0].message.content)\n" },
    { "openai-node", "process.env.PENSTOCK_KEY", "\"none\"",
      "import OpenAI from \"openai\";\n"
      "\n"
      "const client = new OpenAI({ baseURL: \"@BASE@/v1\", apiKey: @KEY@ });\n"
      "const answer = await client.chat.completions.create({\n"
      "  model: \"@MODEL@\",\n"
      "  messages: [{ role: \"user\", content: \"Hello!\" }],\n"
      "});\n"
      "console.log(answer.choices[0].message.content);\n" },
    { "anthropic", "os.environ[\"PENSTOCK_KEY\"]", "\"none\"",
      "import os\n"
      "from anthropic import Anthropic\n"
      "\n"
      "client = Anthropic(base_url=\"@BASE@\", api_key=@KEY@)\n"
      "answer = client.messages.create(\n"
      "    model=\"@MODEL@\", max_tokens=1024,\n"
      "    messages=[{\"role\": \"user\", \"content\": \"Hello!\"}])\n"
      "print(answer.content[0].text)\n" },
    { "google-genai", "os.environ[\"PENSTOCK_KEY\"]", "\"none\"",
      "import os\n"
      "from google import genai\n"
      "\n"
      "client = genai.Client(api_key=@KEY@,\n"
      "                      http_options={\"base_url\": \"@BASE@\"})\n"
      "answer = client.models.generate_content(\n"
      "    model=\"models/@MODEL@\", contents=\"Hello!\")\n"
      "print(answer.text)\n" },
    { "google-genai-node", "process.env.PENSTOCK_KEY", "\"none\"",
      "import { GoogleGenAI } from \"@google/genai\";\n"
      "\n"
      "const client = new GoogleGenAI({\n"
      "  apiKey: @KEY@, httpOptions: { baseUrl: \"@BASE@\" },\n"
      "});\n"
      "const answer = await client.models.generateContent({\n"
      "  model: \"models/@MODEL@\", contents: \"Hello!\",\n"
      "});\n"
      "console.log(answer.text);\n" },
    { "langchain", "os.environ[\"PENSTOCK_KEY\"]", "\"none\"",
      "import os\n"
      "from langchain_openai import ChatOpenAI\n"
      "\n"
      "llm = ChatOpenAI(base_url=\"@BASE@/v1\", api_key=@KEY@,\n"
      "                 model=\"@MODEL@\")\n"
      "print(llm.invoke(\"Hello!\").content)\n" },
    { "ai-sdk", "process.env.PENSTOCK_KEY", "\"none\"",
      "import { generateText } from \"ai\";\n"
      "import { createOpenAICompatible } from \"@ai-sdk/openai-compatible\";\n"
      "\n"
      "const penstock = createOpenAICompatible({\n"
      "  name: \"penstock\", baseURL: \"@BASE@/v1\", apiKey: @KEY@,\n"
      "});\n"
      "const { text } = await generateText({\n"
      "  model: penstock(\"@MODEL@\"), prompt: \"Hello!\",\n"
      "});\n"
      "console.log(text);\n" },
    { "claude-code", "$PENSTOCK_KEY", "none",
      "export ANTHROPIC_BASE_URL=@BASE@\n"
      "export ANTHROPIC_AUTH_TOKEN=@KEY@\n"
      "export ANTHROPIC_MODEL=@MODEL@\n"
      "claude\n" },
    { "codex", "env_key = \"PENSTOCK_KEY\"", "",
      "# ~/.codex/config.toml\n"
      "model = \"@MODEL@\"\n"
      "model_provider = \"penstock\"\n"
      "\n"
      "[model_providers.penstock]\n"
      "name = \"Penstock\"\n"
      "base_url = \"@BASE@/v1\"\n"
      "wire_api = \"responses\"\n"
      "@KEY@\n" },
    { "gemini-cli", "$PENSTOCK_KEY", "none",
      "export GOOGLE_GEMINI_BASE_URL=@BASE@\n"
      "export GEMINI_API_KEY=@KEY@\n"
      "gemini --model @MODEL@\n" },
    { "aider", "$PENSTOCK_KEY", "none",
      "export OPENAI_API_BASE=@BASE@/v1\n"
      "export OPENAI_API_KEY=@KEY@\n"
      "aider --model openai/@MODEL@\n" },
};
/* clang-format on */

enum { N_SNIPPETS = sizeof snippets / sizeof *snippets };

static void fill(const char *text, const struct snippet_facts *f,
                 const char *key)
{
    const struct {
        const char *mark, *value;
    } marks[] = { { "@BASE@", f->base }, { "@MODEL@", f->model },
                  { "@KEY@", key } };

    while (*text) {
        size_t i, n = 0;

        for (i = 0; i < sizeof marks / sizeof *marks; i++) {
            n = strlen(marks[i].mark);
            if (strncmp(text, marks[i].mark, n) == 0)
                break;
        }
        if (i < sizeof marks / sizeof *marks) {
            fputs(marks[i].value, stdout);
            text += n;
        } else {
            putchar(*text++);
        }
    }
}

bool snippet_print(const char *name, const struct snippet_facts *f)
{
    for (size_t i = 0; i < N_SNIPPETS; i++) {
        if (strcmp(snippets[i].name, name) != 0)
            continue;
        fill(snippets[i].text, f,
             f->needs_key ? snippets[i].key : snippets[i].open_key);
        return true;
    }
    return false;
}

const char *snippet_names(void)
{
    static char names[N_SNIPPETS * 20];
    size_t at = 0;

    for (size_t i = 0; i < N_SNIPPETS; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s",
                               i ? ", " : "", snippets[i].name);
    return names;
}
