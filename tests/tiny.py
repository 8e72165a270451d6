"""Tiny real models and adapters for tests: random weights, the real architecture, a real tokenizer and
template.
"""

import json
import warnings
from pathlib import Path

import torch

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TEXTS = (
    "What warranty does the Pro plan include? The Pro plan includes a two year warranty on hardware.",
    'Reply with JSON only: {"label": "billing", "priority": "high"}. Refunds take 14 days.',
    "The quick brown fox jumps over the lazy dog, 0123456789 times, as the customer asked.",
)


def build_tokenizer(folder: Path) -> int:
    """A byte-level BPE tokenizer with single digits and chat tokens in ``folder``; returns its size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    specials = ["<|pad|>", "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    raw = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator(TEXTS * 5, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<|begin|>", eos_token="<|end|>", pad_token="<|pad|>",
        additional_special_tokens=specials[3:], clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def build_model(folder: Path, *, layers: int = 2, context: int = 512, seed: int = 0) -> Path:
    """A random Llama with its tokenizer in ``folder``; the same seed gives the same weights."""
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = build_tokenizer(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=64, intermediate_size=128, num_hidden_layers=layers,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=context, initializer_range=0.3,
        tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    model.get_input_embeddings().weight.data[2] *= 0.1  # answers that seldom end by themselves
    model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    model.save_pretrained(folder)
    return folder


def build_adapter(
    folder: Path, model_folder: Path, *, seed: int = 1, base_hash: str | None = None, **lora: object
) -> Path:
    """A random LoRA adapter for the model, saved the way training saves one, with its card."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from backends.engine.loading import weights_hash

    base = AutoModelForCausalLM.from_pretrained(model_folder, local_files_only=True)
    torch.manual_seed(seed)
    options: dict[str, object] = {
        "r": 4,
        "lora_alpha": 8,
        "target_modules": "all-linear",
        "init_lora_weights": False,
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        peft = get_peft_model(base, LoraConfig(**(options | lora)))  # type: ignore[arg-type]
    peft.save_pretrained(folder, save_embedding_layers=False)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["init_lora_weights"] = True
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "card.json").write_text(json.dumps({"base_hash": base_hash or weights_hash(model_folder)}))
    return folder
