"""Many people at once: how often each lane is renewed for everybody, and whether answers get mixed up.

    python -m tests.benchmarks.watchers [--askers 5] [--watchers 20] [--tokens 300]

Each person is a session of the real server over its own web socket, speaking Streamlit's protocol as the
browser does (a browser for each would measure the browsers). The askers ask different questions at the same
moment, hot and long, so that the answers stream for a while; the watchers open the askers' links. Prints a
table; asserts nothing.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from compare.store import Store
from tests.server import server

START_S, WHOLE_S = 60.0, 400.0
HOT = 2.0
GOES_ON = ":blue-badge[", ":gray-badge["
"""How the state of a lane begins that waits or is being written."""
QUESTIONS = "What warranty does {} include?", "How long does delivery take for {}?", "Who looks after {}?"


@dataclass
class Session:
    """One person's page. ``looks`` are the times at which the state of each lane that went on was renewed."""

    socket: ClientConnection
    ids: dict[str, str] = field(default_factory=dict)
    run: str = ""
    texts: set[str] = field(default_factory=set)
    looks: dict[tuple[int, ...], list[float]] = field(default_factory=dict)
    polling: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    async def rerun(self, query: str = "", fragment: str = "", **values: object) -> None:
        """Let the page run; ``values`` are what widgets say, by their keys."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.fragment_id, asked.is_auto_rerun = query, fragment, bool(fragment)
        for key, value in values.items():
            state = asked.widget_states.widgets.add(id=self.ids[key])
            if isinstance(value, bool):
                state.trigger_value = value
            elif isinstance(value, int):
                state.int_value = value
            elif isinstance(value, float):
                state.double_array_value.data.append(value)
            else:
                state.string_value = str(value)
        self.finished.clear()
        await self.socket.send(message.SerializeToString())

    async def listen(self) -> None:
        """Take what the server sends, and poll as it asks for, until the run that is shown is over."""
        async for raw in self.socket:
            message = ForwardMsg()
            message.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
            match message.WhichOneof("type"):
                case "delta" if message.delta.WhichOneof("type") == "new_element":
                    self._note(message.delta.new_element, tuple(message.metadata.delta_path))
                case "page_info_changed":
                    self.run = message.page_info_changed.query_string.partition("run=")[2]
                case "new_session" if not message.metadata.run.fragment_ids:
                    for fragment in list(self.polling):  # The whole page runs: it will ask anew.
                        self._stop_polling(fragment)
                case "auto_rerun":
                    asked = message.auto_rerun
                    self._stop_polling(asked.fragment_id)
                    poll = self._poll(asked.fragment_id, asked.interval)
                    self.polling[asked.fragment_id] = asyncio.create_task(poll)
                case "stop_auto_rerun":
                    for fragment in message.stop_auto_rerun.fragment_ids:
                        self._stop_polling(fragment)
                case "script_finished":
                    self.finished.set()

    def _note(self, element: object, place: tuple[int, ...]) -> None:
        kind = element.WhichOneof("type")  # type: ignore[attr-defined]
        if kind in ("text_area", "slider", "number_input", "button"):
            id = getattr(element, kind).id
            self.ids[id.rpartition("-")[2] if kind != "button" else getattr(element, kind).label] = id
        elif kind == "text":
            self.texts.add(element.text.body)  # type: ignore[attr-defined]
        elif kind == "markdown":
            body = element.markdown.body  # type: ignore[attr-defined]
            self.texts.add(body)
            if body.startswith(GOES_ON) and self.run:
                self.looks.setdefault(place, []).append(time.monotonic())
        elif kind == "vega_lite_chart":
            self.over.set()

    async def _poll(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self.rerun(query=f"run={self.run}" if self.run else "", fragment=fragment)

    def _stop_polling(self, fragment: str) -> None:
        task = self.polling.pop(fragment, None)
        if task is not None:
            task.cancel()


async def opened(url: str, query: str = "") -> Session:
    """A person who has just opened the app, at a link if ``query`` names one."""
    address = url.replace("http", "ws") + "/_stcore/stream"
    protocol, origin = Subprotocol("streamlit"), Origin(url)
    session = Session(await connect(address, subprotocols=[protocol], origin=origin, max_size=None))
    session.run = query.partition("run=")[2]
    session.task = asyncio.create_task(session.listen())
    await session.rerun(query=query)
    await asyncio.wait_for(session.finished.wait(), START_S)
    return session


async def measured(url: str, askers: int, watchers: int, tokens: int) -> tuple[list[Session], list[Session]]:
    """Askers and watchers after all runs are over. Somebody asked before: all libraries are there."""
    first = await opened(url)
    while not any("ready" in text for text in first.texts):
        await asyncio.sleep(1)
    await first.rerun(question="Hello?", Ask=True)
    await asyncio.wait_for(first.over.wait(), START_S)
    await first.socket.close()
    asking = [await opened(url) for _ in range(askers)]
    for number, session in enumerate(asking):
        question = QUESTIONS[number % len(QUESTIONS)].format(f"plan {number + 1}")
        await session.rerun(question=question, temperature=HOT, max_tokens=tokens, Ask=True)
    for session in asking:
        while not session.run:
            await asyncio.sleep(0.05)
    opening = (opened(url, f"run={asking[i % askers].run}") for i in range(watchers))
    watching = list(await asyncio.gather(*opening))
    with suppress(TimeoutError):
        everybody = asyncio.gather(*(session.over.wait() for session in (*asking, *watching)))
        await asyncio.wait_for(everybody, WHOLE_S)
    return asking, watching


def report(asking: list[Session], watching: list[Session], store: Store) -> None:
    """Print what came of it."""
    gaps = sorted(
        after - before
        for session in (*asking, *watching)
        for times in session.looks.values()
        for before, after in pairwise(times)
    )
    share = sum(gap <= 0.5 for gap in gaps) / len(gaps)
    mixed = 0
    for session in (*asking, *watching):
        view = store.load_run(session.run)
        mixed += not all(call.text in session.texts for call in view.calls.values() if call.text)
    queued = sum(any("ahead" in text for text in session.texts) for session in asking)
    print("| measure | value |\n|---|---|")
    print(
        f"| sessions that saw the end of their run | {sum(s.over.is_set() for s in (*asking, *watching))} |"
    )
    print(f"| renewals of a lane | {len(gaps):,} |")
    print(f"| seconds between two of them: median | {statistics.median(gaps):.2f} |")
    print(f"| 95th percentile | {gaps[int(0.95 * len(gaps))]:.2f} |")
    print(f"| longest | {gaps[-1]:.2f} |")
    print(f"| at most 0.5 s | {share:.1%} |")
    print(f"| sessions whose answers are not those of their run | {mixed} |")
    print(f"| askers who saw their place in the queue | {queued} of {len(asking)} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--askers", type=int, default=5)
    parser.add_argument("--watchers", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        with server({"LEVER_DATA_DIR": folder}, log) as url:
            people = asyncio.run(measured(url, asked.askers, asked.watchers, asked.tokens))
        store = Store(f"sqlite:///{folder}/lever.db")
        report(*people, store)
        store.close()


if __name__ == "__main__":
    main()
