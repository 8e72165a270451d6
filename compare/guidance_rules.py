"""What published guidance makes of each answer: tables, to be read and argued with.

An answer states a need that some levers meet (:data:`RULES`), or puts levers out of reach (:data:`BARS`); two
answers may not go together (:data:`CONFLICTS`). Each row says in our own words what its source says.
"""

from compare.guidance_levers import (
    LEAN,
    MUST,
    READING,
    TRAINED,
    UNTRAINED,
    WANT,
    Bar,
    Conflict,
    Rule,
)
from compare.guidance_sources import (
    ANTHROPIC_PROMPTS,
    ANTHROPIC_RETRIEVAL,
    BIDERMAN,
    COHERE_FORMATS,
    HUGGING_FACE_LORA,
    HUGGING_FACE_TUNING,
    KWON,
    LEWIS,
    MICROSOFT_STRATEGIES,
    MICROSOFT_TUNING,
    OPENAI_LATENCY,
    OPENAI_TUNING,
    OVADIA,
)

RULES: tuple[Rule, ...] = (
    Rule(
        question="size", answers=("fits", "under_200k", "more", "huge"), weight=MUST, met_by=READING,
        need="what you know and the model does not",
        because="Facts are better read than trained in: retrieval beat fine-tuning on old and new ones.",
        source=OVADIA,
    ),
    Rule(
        question="size", answers=("fits", "under_200k"), weight=LEAN, met_by=("long_context",),
        need="no search at all",
        because="Below some 200,000 tokens all of it can stand in the prompt, without any retrieval.",
        source=ANTHROPIC_RETRIEVAL,
    ),
    Rule(
        question="changes", answers=("monthly", "daily"), weight=MUST, met_by=READING,
        need="facts that change",
        because="Documents are exchanged without training; what a model has learnt stays as it was.",
        source=LEWIS,
    ),
    Rule(
        question="changes", answers=("daily",), weight=LEAN, met_by=UNTRAINED,
        need="no training after each change",
        because="Fine-tuning may have to be repeated each time that its data changes.",
        source=MICROSOFT_TUNING,
    ),
    Rule(
        question="form", answers=("format", "both"), weight=WANT, met_by=("better_prompt", *TRAINED),
        need="the format of answers",
        because="A model held to a schema can write no other format; examples of it help, too.",
        source=COHERE_FORMATS,
    ),
    Rule(
        question="form", answers=("voice", "both"), weight=LEAN, met_by=("better_prompt", *TRAINED),
        need="the voice of answers",
        because="Worked examples in the prompt show how an answer should sound: most begin with them.",
        source=MICROSOFT_TUNING,
    ),
    Rule(
        question="form", answers=("voice", "both"), weight=LEAN, met_by=TRAINED,
        need="a voice that lasts",
        because="Training on examples makes a model keep its style more reliably.",
        source=OPENAI_TUNING,
    ),
    Rule(
        question="sources", answers=("must",), weight=MUST, met_by=("retrieval", "both"),
        need="named sources",
        because="An answer from retrieved passages can say where it comes from; weights can't.",
        source=LEWIS,
    ),
    Rule(
        question="sources", answers=("nice",), weight=LEAN, met_by=("retrieval", "both"),
        need="named sources",
        because="An answer from retrieved passages can say where it comes from; weights can't.",
        source=LEWIS,
    ),
    Rule(
        question="examples", answers=("few",), weight=LEAN, met_by=("better_prompt",),
        need="use of the few examples",
        because="Some examples are best put into the prompt, where they work at once.",
        source=ANTHROPIC_PROMPTS,
    ),
    Rule(
        question="terms", answers=("some",), weight=LEAN,
        met_by=("better_prompt", "long_context", "retrieval", *TRAINED),
        need="the terms of your trade",
        because="Context on the domain, put into the prompt, adapts a model without training.",
        source=ANTHROPIC_PROMPTS,
    ),
    Rule(
        question="terms", answers=("many",), weight=LEAN, met_by=TRAINED,
        need="the terms of your trade",
        because="Adapting to a domain is one of the reasons to train, once prompting does not suffice.",
        source=HUGGING_FACE_TUNING,
    ),
    Rule(
        question="general", answers=("yes",), weight=LEAN, met_by=UNTRAINED,
        need="other tasks",
        because="Training on one task costs some of what a model could do before; LoRA forgets less.",
        source=BIDERMAN,
    ),
    Rule(
        question="volume", answers=("low",), weight=LEAN, met_by=UNTRAINED,
        need="little work for few answers",
        because="Training needs machines and labelled data before the first answer; few answers repay it.",
        source=ANTHROPIC_PROMPTS,
    ),
    Rule(
        question="volume", answers=("high",), weight=LEAN, met_by=("prompting", "fine_tuning"),
        need="short prompts for many answers",
        because="Each answer pays for its prompt: a short one saves, and training shortens it.",
        source=MICROSOFT_TUNING,
    ),
    Rule(
        question="latency", answers=("tight",), weight=LEAN, met_by=("prompting", "fine_tuning"),
        need="a quick first word",
        because="Fewer tokens to read are answered sooner, and an adapter that is merged adds no delay.",
        source=HUGGING_FACE_LORA,
    ),
    Rule(
        question="latency", answers=("tight",), weight=LEAN,
        met_by=("prompting", "better_prompt", "retrieval", *TRAINED),
        need="a quick first word",
        because="Reading fewer tokens is one of the ways to a quicker answer; all documents are many.",
        source=OPENAI_LATENCY,
    ),
    Rule(
        question="budget", answers=("small",), weight=LEAN,
        met_by=("prompting", "better_prompt", "long_context"),
        need="a small set-up cost",
        because="Prompting takes the least time, work and money; retrieval and training add to it.",
        source=MICROSOFT_STRATEGIES,
    ),
    Rule(
        question="privacy", answers=("on_premise",), weight=LEAN,
        met_by=("prompting", "better_prompt", "retrieval", *TRAINED),
        need="the memory of your machines",
        because="The longer a prompt, the more memory an answer holds: scarce on one's own machines.",
        source=KWON,
    ),
    Rule(
        question="smaller", answers=("yes",), weight=WANT, met_by=TRAINED,
        need="a smaller model",
        because="A small model that is trained for one task can come near to a large one.",
        source=MICROSOFT_TUNING,
    ),
    Rule(
        question="stable", answers=("no",), weight=LEAN, met_by=UNTRAINED,
        need="a task that still changes",
        because="A prompt is changed and tried in seconds; training takes hours or days.",
        source=ANTHROPIC_PROMPTS,
    ),
    Rule(
        question="upkeep", answers=("nobody",), weight=LEAN,
        met_by=("prompting", "better_prompt", "long_context"),
        need="little upkeep",
        because="The further from a plain prompt, the more there is to run, to watch and to renew.",
        source=MICROSOFT_STRATEGIES,
    ),
)  # fmt: skip
BARS: tuple[Bar, ...] = (
    Bar(
        question="size", answers=("none",), levers=READING,
        because="Retrieval brings in knowledge that the model lacks: here there is none to bring in.",
        source=MICROSOFT_STRATEGIES,
    ),
    Bar(
        question="size", answers=("more", "huge"), levers=("long_context",),
        because="What is larger than a model's context has to be searched.",
        source=ANTHROPIC_RETRIEVAL,
    ),
    Bar(
        question="privacy", answers=("no_lookup",), levers=READING,
        because="Retrieval takes passages from the documents each time that a question comes.",
        source=LEWIS,
    ),
    Bar(
        question="examples", answers=("none", "few"), levers=TRAINED,
        because="Start to train with 50 well-made examples; improvements show from 50 to 100 on.",
        source=OPENAI_TUNING,
    ),
)  # fmt: skip
CONFLICTS: tuple[Conflict, ...] = (
    Conflict(
        answers={"changes": ("monthly", "daily"), "privacy": ("no_lookup",)},
        sentence="What is right changes, but documents may not be read while answering: whatever was trained "
        "goes stale. Allow reading, or plan to train again after each change.",
    ),
    Conflict(
        answers={"sources": ("must",), "privacy": ("no_lookup",)},
        sentence="Sources are asked for, but documents may not be read while answering: there is "
        "nothing to cite. Give up one of the two.",
    ),
    Conflict(
        answers={"sources": ("must",), "size": ("none",)},
        sentence="Sources are asked for, but there is nothing of yours to cite. Say what there is.",
    ),
    Conflict(
        answers={"changes": ("monthly", "daily"), "size": ("none",)},
        sentence="What is right changes, but nothing of yours tells the new. Say where it stands.",
    ),
    Conflict(
        answers={"smaller": ("yes",), "examples": ("none", "few")},
        sentence="A smaller model has to be trained, and there are too few examples. Collect 50.",
    ),
    Conflict(
        answers={"smaller": ("yes",), "general": ("yes",)},
        sentence="A small model that is trained for one task does other tasks worse. Give up one of the two.",
    ),
    Conflict(
        answers={"form": ("voice", "both"), "stable": ("no",)},
        sentence="A voice is best trained, but the task still changes. Prompt until it is settled.",
    ),
)  # fmt: skip
