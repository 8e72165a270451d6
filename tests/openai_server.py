"""An OpenAI-style server over a real model, as a process of its own: what ``RemoteEngine`` is tested against.

It streams what Lever's local engine answers, in the form that vLLM gives it, and knows two adapters of
``support-facts``. ``POST /admin`` tells it how to misbehave from then on; the signal USR1 makes it stop
listening, and listen again.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from urllib.request import Request as Asked
from urllib.request import urlopen

from backends.engine.base import Done, Event, Failed, Request, Text
from backends.engine.local import LocalEngine
from backends.errors import LeverError
from backends.settings import ROOT, Settings
from backends.types import Message, Prompt, Sampling
from tests.server import free_port, wait_until_answers

BASE = "pocket"
CONTEXT = 2048
SCENARIO = "support-facts"
ADAPTERS = {"support-facts/lora": "support-facts/lora", "support-facts_hybrid": "support-facts/hybrid"}
"""The engine's adapters by their ids: two of the forms that Lever knows."""


@dataclass
class State:
    """What the server does, and what it was asked. ``fault``: "drop" (the connection, midway), "500",
    "garbage", "silent" (after the first piece, until told otherwise), "no usage", "no schema".
    """

    fault: str = ""
    key: str = ""
    loads: bool = True
    adapters: dict[str, str] = field(default_factory=ADAPTERS.copy)
    asked: list[dict] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """A call that counts as being answered."""
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield
        finally:
            with self.lock:
                self.at_once -= 1


class Handler(BaseHTTPRequestHandler):
    engine: LocalEngine
    state: State
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        if self.path == "/admin":
            shown = ("asked", "at_once", "most_at_once")
            self.reply(200, {name: getattr(self.state, name) for name in shown})
        elif self.allowed():
            models = [{"id": BASE, "parent": None, "max_model_len": CONTEXT}]
            models += [{"id": id, "parent": BASE} for id in self.state.adapters]
            self.reply(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/admin":
            for name, value in body.items():
                setattr(self.state, name, value)
            self.state.go_on.set()
            self.state.go_on = threading.Event()
            self.reply(200, {})
        elif self.allowed():
            actions = {
                "/v1/chat/completions": self.chat,
                "/v1/load_lora_adapter": self.load,
                "/v1/unload_lora_adapter": self.unload,
            }
            actions[self.path](body)

    def allowed(self) -> bool:
        key = self.state.key
        if key and self.headers["Authorization"] != f"Bearer {key}":
            self.reply(401, {"error": {"message": f"{self.headers['Authorization']} is not the key"}})
            return False
        return True

    def load(self, body: dict) -> None:
        name = body["lora_name"]
        if not self.state.loads:
            self.reply(404, {"detail": "Not Found"})
        elif name in self.state.adapters:
            self.reply(400, {"error": {"message": f"The lora adapter {name} has already been loaded."}})
        else:
            try:
                key = f"served/{len(self.state.asked)}-{name}"
                self.engine.load_adapter(key, body["lora_path"])
            except LeverError as error:
                self.reply(400, {"error": {"message": str(error)}})
            else:
                self.state.adapters[name] = key
                self.reply(200, {})

    def unload(self, body: dict) -> None:
        self.reply(200 if self.state.adapters.pop(body["lora_name"], None) else 404, {})

    def chat(self, body: dict) -> None:
        state = self.state
        state.asked.append(body)
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        if state.fault == "500":
            self.reply(500, {"error": {"message": f"out of luck, Bearer {state.key}"}})
        elif schema and state.fault == "no schema":
            self.reply(400, {"error": {"message": "response_format is not supported"}})
        elif body["model"] not in (BASE, *state.adapters):
            self.reply(404, {"error": {"message": f"The model {body['model']} does not exist."}})
        else:
            with state.counted():
                whole = self.stream(body, schema)
            if whole:  # Told when it no longer counts: the next call may come at once.
                with suppress(ConnectionError):
                    self.wfile.write(b"data: [DONE]\n\n")

    def stream(self, body: dict, schema: object) -> bool:
        """Whether the answer came to its end."""
        events: SimpleQueue[Event] = SimpleQueue()
        messages = tuple(Message(**message) for message in body["messages"])
        prompt = Prompt(
            messages=messages,
            adapter=self.state.adapters.get(body["model"]),
            schema=json.dumps(schema) if schema else None,
        )
        sampling = Sampling(
            temperature=body["temperature"],
            top_p=body["top_p"],
            max_tokens=body["max_tokens"],
            stop=tuple(body.get("stop", ())),
        )
        request = Request(id="0", prompt=prompt, sampling=sampling, seed=body["seed"], submitted_at=0.0)
        job = self.engine.submit([request], events.put, mode="bench")
        try:
            return self.answer(events)
        except ConnectionError:
            return False
        finally:
            job.cancel()

    def answer(self, events: "SimpleQueue[Event]") -> bool:
        begun = False
        while True:
            match events.get():
                case Failed(failure=failure) if not begun:
                    self.reply(400, {"error": {"message": failure.message}})
                    return False
                case Text(delta=delta):
                    if not begun:
                        self.begin()
                    begun = True
                    self.send({"choices": [{"index": 0, "delta": {"content": delta}, "finish_reason": None}]})
                    if self.misbehaved():
                        return False
                case Done(answer=answer):
                    if not begun:
                        self.begin()
                    reason = "length" if answer.finish == "length" else "stop"
                    self.send({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
                    if self.state.fault != "no usage":
                        self.send({"choices": [], "usage": asdict(answer.usage)})
                    return True

    def misbehaved(self) -> bool:
        """Do what the fault says after the first piece; whether the answer is over by it."""
        fault = self.state.fault
        if fault == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "garbage":
            self.wfile.write(b'data: {"choices": [{"delta": \n\n')
        elif fault == "silent":
            self.state.go_on.wait()
        return fault in ("drop", "garbage")

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()

    def send(self, chunk: Mapping[str, object]) -> None:
        self.wfile.write(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode())

    def reply(self, status: int, document: Mapping[str, object]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")  # Nobody answers once it has gone away.
        self.end_headers()
        self.wfile.write(data)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server that runs."""

    url: str
    process: "subprocess.Popen[bytes]"

    def behave(self, **state: object) -> None:
        """Set what :class:`State` has; what was silent goes on."""
        body = json.dumps({"fault": "", "key": "", "loads": True, **state}).encode()
        with urlopen(Asked(f"{self.url}/admin", body), timeout=10):
            pass

    def seen(self) -> dict:
        """What it was asked so far."""
        with urlopen(f"{self.url}/admin", timeout=10) as answer:
            found = json.load(answer)
        assert isinstance(found, dict)
        return found

    def go_away(self) -> None:
        """Stop listening; returns when nobody answers."""
        self.process.send_signal(signal.SIGUSR1)
        with suppress(OSError):
            while True:
                self.seen()

    def come_back(self) -> None:
        """Listen again; returns when it answers."""
        self.process.send_signal(signal.SIGUSR1)
        wait_until_answers(f"{self.url}/admin", self.process)


@contextmanager
def openai_server(scenarios: Path) -> Iterator[Running]:
    """The server over Pocket and the adapters in ``scenarios``, on a free port, ready."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.openai_server", str(port), str(scenarios)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/v1/models", process)
        yield Running(url=f"http://127.0.0.1:{port}", process=process)
    finally:
        process.terminate()
        process.wait(30)


class Listener(ThreadingHTTPServer):
    """With room for calls that come all at once, as real servers have: else some are reset."""

    request_queue_size = 128
    daemon_threads = True


def main(port: int, scenarios: Path) -> None:
    toggle = {signal.SIGUSR1}
    # Blocked in all threads: one that another thread takes would not wake this one.
    signal.pthread_sigmask(signal.SIG_BLOCK, toggle)
    engine = LocalEngine(Settings(threads=1, device="cpu", scenarios_dir=scenarios))
    engine.start()
    assert engine.wait_ready().state == "ready", engine.status().detail
    Handler.engine, Handler.state = engine, State()
    while True:
        with Listener(("127.0.0.1", port), Handler) as http:
            threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            signal.sigwait(toggle)
            http.shutdown()
        signal.sigwait(toggle)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
