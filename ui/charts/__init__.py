"""Every chart of Lever: ``look.py`` is what they share, the others draw one kind of question each.

``answers.py``: one question, on the home screen. ``quality.py``: who is right, and by how much.
``steadiness.py``: how alike repeats are. ``speed.py``: how long answers take. ``bars.py``: stacked bars.
"""
