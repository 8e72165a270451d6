"""Pocket, the embedded base model: corpus, training, weights. Nothing outside treats it specially."""
