"""Pocket, the embedded base model: its corpus, its training and its weights. Nothing outside treats it specially."""
