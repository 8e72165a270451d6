"""What a comparison is: cases, checks, runs, the store and the command line. No Streamlit, no torch here."""
