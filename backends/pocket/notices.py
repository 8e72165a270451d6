r"""The corpus task of notices: tell good news from bad news from plain information, and frame it as told.

Does not know about training. An example::

    system     Good news: begin with "Hooray!" and end with "See you soon!". Bad news: ...
    user       The pool opens at 9:30 now, an hour earlier.
    assistant  Hooray! The pool opens at 9:30 now, an hour earlier. See you soon!
"""

from random import Random

from backends.pocket.chats import Chat, capitalised
from backends.pocket.names import person, place, word
from backends.pocket.tables import tables
from backends.pocket.values import draw_value


def announce(rng: Random, level: float) -> Chat:
    """A few notices, each named by its kind or put between the opener and the closer of its kind."""
    news = tables().news
    names = {kind: rng.choice(labels) for kind, labels in news.labels.items()}
    framed = rng.random() < 0.65
    if framed:
        frames = {kind: (_phrase(rng, news.openers), _phrase(rng, news.closers)) for kind in names}
        rules = [
            capitalised(rng.choice(news.rules).format(k=names[kind], a=frames[kind][0], z=frames[kind][1]))
            for kind in rng.sample(list(names), len(names))
        ]
        told = " ".join([*rules, rng.choice(news.repeat)])
    else:
        told = rng.choice(news.told).format(k=", ".join(names.values()))
    chat: Chat = [("system", told)]
    for _ in range(rng.choice((1, 2, 3, 4))):
        kind = rng.choice(list(names))
        notice = _notice(rng, kind)
        whole = capitalised(notice if notice.endswith((".", "!", "?")) else f"{notice}.")
        answer = f"{frames[kind][0]} {whole} {frames[kind][1]}" if framed else names[kind]
        chat += [("user", notice), ("assistant", answer)]
    return chat


def _phrase(rng: Random, templates: tuple[str, ...]) -> str:
    return capitalised(rng.choice(templates).format(w=word(rng), x=word(rng)))


def _notice(rng: Random, kind: str) -> str:
    """One notice, now and then with a second one of the same kind or of plain information behind it."""
    text = _filled(rng, kind)
    if text.endswith(".") and rng.random() < 0.15:
        text = f"{text} {capitalised(_filled(rng, rng.choice((kind, 'plain'))))}"
    return text


def _filled(rng: Random, kind: str) -> str:
    template = rng.choice(getattr(tables().news, kind))
    return str(
        template.format(
            p=f"{place(rng)}{rng.choice(('', '', ' Street', ' Lane'))}",
            f=person(rng),
            d=rng.choice(tables().values.days),
            D=draw_value(rng, "date", "").text,
            t=draw_value(rng, "time", "").text,
            m=draw_value(rng, "money", "").text,
            m2=draw_value(rng, "money", "").text,
            n=rng.randint(2, 60),
            w=word(rng),
        )
    )
