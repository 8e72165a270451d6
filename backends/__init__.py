"""Everything that touches a model: backends, knowledge, engine, the embedded model. No Streamlit here."""
