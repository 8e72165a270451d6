"""The published guidance that is cited here: who says it and where. What each says stands, in our own words,
beside what cites it: in ``guidance_rules.py`` and ``claims_published.py``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Source:
    """A guide or a paper: its ``title`` with who published it, and its ``address``."""

    title: str
    address: str


OPENAI_ACCURACY = Source(
    title="Optimizing LLM accuracy, OpenAI",
    address="https://platform.openai.com/docs/guides/optimizing-llm-accuracy",
)
OPENAI_MODELS = Source(
    title="Model optimization, OpenAI",
    address="https://developers.openai.com/api/docs/guides/model-optimization",
)
OPENAI_TUNING = Source(
    title="Supervised fine-tuning, OpenAI",
    address="https://platform.openai.com/docs/guides/supervised-fine-tuning",
)
OPENAI_LATENCY = Source(
    title="Latency optimization, OpenAI",
    address="https://developers.openai.com/api/docs/guides/latency-optimization",
)
OPENAI_TALK = Source(
    title="Maximizing LLM performance, OpenAI DevDay 2023",
    address="https://www.youtube.com/watch?v=ahnGLM-RC1Y",
)
ANTHROPIC_RETRIEVAL = Source(
    title="Introducing contextual retrieval, Anthropic",
    address="https://www.anthropic.com/news/contextual-retrieval",
)
ANTHROPIC_PROMPTS = Source(
    title="Prompt engineering overview, Anthropic",
    address="https://docs.anthropic.com/en/docs/build-with-claude/prompt-engineering/overview",
)
MICROSOFT_STRATEGIES = Source(
    title="Compare and combine optimization strategies, Microsoft",
    address="https://learn.microsoft.com/en-us/training/modules/"
    "optimize-generative-ai-model-performance/5-compare-combine-strategies",
)
MICROSOFT_TUNING = Source(
    title="Fine-tuning considerations, Microsoft Azure",
    address="https://learn.microsoft.com/en-us/azure/ai-services/openai/concepts/fine-tuning-considerations",
)
COHERE_FORMATS = Source(
    title="Structured outputs, Cohere",
    address="https://docs.cohere.com/v1/docs/structured-outputs-json",
)
HUGGING_FACE_TUNING = Source(
    title="LLM course, supervised fine-tuning, Hugging Face",
    address="https://huggingface.co/learn/llm-course/chapter11/3",
)
HUGGING_FACE_LORA = Source(
    title="PEFT, conceptual guide to LoRA, Hugging Face",
    address="https://huggingface.co/docs/peft/v0.6.0/conceptual_guides/lora",
)
COGNIVAL = Source(
    title="Fine-tuning vs RAG: which to use, Cognival",
    address="https://www.cognival.co/blog/fine-tuning-vs-rag-which-to-use",
)
LEWIS = Source(
    title="Retrieval-augmented generation, Lewis et al. 2020", address="https://arxiv.org/abs/2005.11401"
)
OVADIA = Source(
    title="Fine-tuning or retrieval?, Ovadia et al. 2023", address="https://arxiv.org/abs/2312.05934"
)
BALAGUER = Source(
    title="RAG vs fine-tuning, Balaguer et al. 2024", address="https://arxiv.org/abs/2401.08406"
)
BIDERMAN = Source(
    title="LoRA learns less and forgets less, Biderman et al. 2024",
    address="https://arxiv.org/abs/2405.09673",
)
GEKHMAN = Source(
    title="Does fine-tuning on new knowledge encourage hallucinations?, Gekhman et al. 2024",
    address="https://arxiv.org/abs/2405.05904",
)
KWON = Source(title="PagedAttention, Kwon et al. 2023", address="https://arxiv.org/abs/2309.06180")
