"""A loopback server that speaks OpenAI's completions and chat API, with a real model behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class OpenAIServer(ThreadingHTTPServer):
    """Answers with the model in a folder; ``faults`` are given instead of answers."""

    daemon_threads = True

    def __init__(self, model_folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.model = AutoModelForCausalLM.from_pretrained(model_folder)
        self.tokenizer = AutoTokenizer.from_pretrained(model_folder)
        self.lock = threading.Lock()
        self.answered: list[str] = []
        """The prompts, in their order."""
        self.faults: dict[int, tuple[int, Any]] = {}
        """Status and body that a request gets instead, by its number from the start."""
        self.broken: tuple[int, Any] | None = None
        """What all get from now on."""
        self.received = 0
        self.echo_alone = False
        """Whether it generates nothing where it is asked for the prompt."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def answer(self, path: str, request: dict[str, Any]) -> tuple[int, Any]:
        with self.lock:
            self.received += 1
            if fault := self.faults.get(self.received) or self.broken:
                return fault
            if path == "/v1/completions":
                prompts = request["prompt"] if isinstance(request["prompt"][0], list) else [request["prompt"]]
                complete = self._score if request.get("echo") else self._complete
                return 200, {"choices": [{"index": i, **complete(p, request)} for i, p in enumerate(prompts)]}
            if path == "/v1/messages":
                words = [{"role": one["role"], "content": one["content"][0]["text"]} for one in request["messages"]]
                text = self.tokenizer.apply_chat_template(words, tokenize=False, add_generation_prompt=True)
                return 200, {"content": [{"type": "text", "text": self._complete(text, request)["text"]}]}
            if path == "/v1/chat/completions":
                text = self.tokenizer.apply_chat_template(
                    request["messages"], tokenize=False, add_generation_prompt=True
                )
                content = self._complete(text, request)["text"]
                return 200, {"choices": [{"index": 0, "message": {"role": "assistant", "content": content}}]}
            return 404, {"error": "no such path"}

    def _score(self, tokens: list[int], _request: dict[str, Any]) -> dict[str, Any]:
        import torch

        self.answered.append(self.tokenizer.decode(tokens))
        with torch.no_grad():
            logprobs = torch.log_softmax(self.model(torch.tensor([tokens])).logits[0], dim=-1)
        chosen = [float(logprobs[place, token]) for place, token in enumerate(tokens[1:])]
        best = [{"best": float(row.max())} for row in logprobs]
        given: list[float | None] = [None, *chosen]
        if self.echo_alone:
            return {"text": "", "logprobs": {"token_logprobs": given, "top_logprobs": [None, *best[:-1]]}}
        return {"text": "", "logprobs": {"token_logprobs": [*given, 0.0], "top_logprobs": [None, *best]}}

    def _complete(self, prompt: str | list[int], request: dict[str, Any]) -> dict[str, Any]:
        import torch

        tokens = self.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt
        self.answered.append(self.tokenizer.decode(tokens))
        whole = self.model.generate(
            torch.tensor([tokens]),
            max_new_tokens=request.get("max_tokens") or request["max_completion_tokens"],
            do_sample=False,
            pad_token_id=2,
        )
        text = self.tokenizer.decode(whole[0, len(tokens) :], skip_special_tokens=True)
        for stop in filter(None, request.get("stop") or []):
            text = text.split(stop)[0]
        return {"text": text}


class _Handler(BaseHTTPRequestHandler):
    server: OpenAIServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._send(*self.server.answer(self.path, request))

    def do_GET(self) -> None:
        self._send(404, {"error": "no such path"})

    def _send(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(model_folder: Path) -> Iterator[OpenAIServer]:
    """Provide a server while the block runs."""
    with OpenAIServer(model_folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
