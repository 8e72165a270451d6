"""The store's schema, version by version; ``compare/database.py`` applies it when it opens a database."""

HEAD = "0008"
"""The newest version; a test compares it with the folder ``versions``."""
