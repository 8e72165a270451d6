"""``ask``: one query to several backends, as on the home screen."""

import argparse

from backends.base import DEFAULT_BACKENDS
from backends.errors import EngineStopped
from backends.scenario import load_scenario
from backends.types import Query, Sampling
from compare.command import BROKEN, FINE, Outcome, say, started_engine
from compare.lanes import check_lanes
from compare.live import LiveAnswer, LiveRun, RunView
from compare.numbers import count, seconds, share
from compare.runner import check_query, start
from compare.store import store

PATIENCE_S = 0.5
"""How often to report progress (and to hear Ctrl-C), in seconds."""
TIMING = (
    "queued_ms",
    "adapter_switch_ms",
    "embed_ms",
    "retrieve_ms",
    "prefill_ms",
    "decode_ms",
    "ttft_ms",
    "total_ms",
)
"""The parts of a call's time that the document names."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("ask", help="ask all backends one question")
    command.add_argument("query", help="the question")
    command.add_argument("--scenario", required=True, metavar="NAME", help="a folder of scenarios/")
    add_run_options(command)
    command.add_argument("--show-prompt", action="store_true", help="show the exact text that was tokenised")
    return command


def add_run_options(command: argparse.ArgumentParser) -> None:
    """The options that every command with calls takes."""
    default = Sampling()
    command.add_argument(
        "--backends", default=",".join(DEFAULT_BACKENDS), metavar="A,B", help="default: %(default)s"
    )
    command.add_argument("--repeats", type=int, default=1, metavar="K", help="default: %(default)s")
    command.add_argument("--seed", type=int, default=0, metavar="S", help="default: %(default)s")
    command.add_argument("--mode", default="demo", metavar="MODE", help="demo (merged) or bench (one by one)")
    command.add_argument("--temperature", type=float, default=default.temperature, metavar="T")
    command.add_argument("--top-p", type=float, default=default.top_p, metavar="P")
    command.add_argument("--max-tokens", type=int, default=default.max_tokens, metavar="M")


def asked_lanes(options: argparse.Namespace) -> tuple[str, ...]:
    """The lanes that ``--backends`` names."""
    return tuple(name.strip() for name in options.backends.split(",") if name.strip())


def asked_sampling(options: argparse.Namespace) -> Sampling:
    """The sampling that the options ask for."""
    return Sampling(temperature=options.temperature, top_p=options.top_p, max_tokens=options.max_tokens)


def run(options: argparse.Namespace) -> Outcome:
    """Ask, wait, and show what came back."""
    query = Query(
        text=options.query,
        scenario=options.scenario,
        sampling=asked_sampling(options),
        repeats=options.repeats,
        seed=options.seed,
        mode=options.mode,
    )
    backends = asked_lanes(options)
    check_query(query)
    check_lanes(backends)  # A typing mistake is answered before the model loads.
    load_scenario(query.scenario)
    engine, status = started_engine()
    if status.state != "ready":
        raise EngineStopped(status.detail)
    view = _follow(start(query, backends=backends, store=store(), engine=engine))
    done = sum(call.status == "done" for call in view.calls.values())
    return Outcome(
        document=document(view, show_prompt=options.show_prompt),
        text=_text(view, show_prompt=options.show_prompt),
        exit_code=FINE if done else BROKEN,
    )


def _follow(run: LiveRun) -> RunView:
    view, ended = run.snapshot(), 0
    try:
        while not view.done:
            view = run.wait(PATIENCE_S)
            now_ended = sum(call.ended for call in view.calls.values())
            if now_ended > ended:
                ended = now_ended
                say(f"{share(ended, len(view.calls))} calls")
    except KeyboardInterrupt:
        say("Stopping ...")
        run.cancel()
        view = run.wait()
    for failure in dict.fromkeys(call.failure for call in view.calls.values() if call.failure):
        say(f"{failure.stage}: {failure.message} {failure.hint}")
    return view


def document(view: RunView, *, show_prompt: bool = False) -> dict[str, object]:
    """A run as the command line's JSON; numbers that are not there are null."""
    return {
        "run_id": view.id,
        "model": view.provenance.model if view.provenance else None,
        "mode": view.query.mode,
        "calls": [call_document(call, show_prompt=show_prompt) for call in view.calls.values()],
    }


def call_document(call: LiveAnswer, *, show_prompt: bool = False) -> dict[str, object]:
    """One call as the command line's JSON."""
    answer, failure = call.answer, call.failure
    found: dict[str, object] = {
        "backend": call.backend,
        "repeat": call.repeat,
        "seed": call.seed,
        "status": call.status,
        "text": call.text,
        "failure": failure and {"stage": failure.stage, "message": failure.message, "hint": failure.hint},
        "timing": {part: getattr(answer.timing, part) if answer else None for part in TIMING},
        "usage": {
            "prompt_tokens": answer.usage.prompt_tokens if answer else None,
            "completion_tokens": answer.usage.completion_tokens if answer else None,
        },
        "passages": [
            {"source": passage.source, "text": passage.text, "cosine": passage.cosine}
            for passage in (call.prompt.passages if call.prompt else ())
        ],
        "checks": [
            {"name": check.name, "kind": check.kind, "result": check.result, "reason": check.reason}
            for check in call.checks
        ],
    }
    if show_prompt:
        found["prompt"] = answer.rendered if answer else None
    return found


def _text(view: RunView, *, show_prompt: bool) -> str:
    blocks = [f"{view.query.text}\n"]
    for call in view.calls.values():
        repeat = f" #{call.repeat + 1}" if view.query.repeats > 1 else ""
        lines = [f"== {call.backend}{repeat}: {call.status}{_figures(call)}"]
        if show_prompt and call.answer:
            lines += ["-- prompt", call.answer.rendered, "-- answer"]
        lines.append(call.text)
        if call.failure:
            lines.append(f"! {call.failure.message} {call.failure.hint}".rstrip())
        if call.prompt and call.prompt.passages:
            lines.append("sources: " + ", ".join(f"[{p.number}] {p.source}" for p in call.prompt.passages))
        lines += [f"{check.result}: {check.name} ({check.reason})" for check in call.checks]
        blocks.append("\n".join(line for line in lines if line) + "\n")
    return "\n".join(blocks) + f"\nrun {view.id}, {view.provenance.model if view.provenance else 'no model'}"


def _figures(call: LiveAnswer) -> str:
    if call.answer is None:
        return ""
    timing, usage = call.answer.timing, call.answer.usage
    tokens = f"{count(usage.prompt_tokens)} tokens in, {count(usage.completion_tokens)} out"
    return f", first text after {seconds(timing.ttft_ms)}, {seconds(timing.total_ms)} in all, {tokens}"
