"""Everything that touches a model: backends, knowledge, the engine and the embedded model. No Streamlit here."""
