"""The engine: one thread owns the model, its adapters and the embedder. Everything else sends requests."""
