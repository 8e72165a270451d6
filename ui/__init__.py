"""Streamlit helpers, one concern a file."""
