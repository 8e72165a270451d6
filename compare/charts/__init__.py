"""Every chart of Lever: ``look.py`` is what they share, the others draw one kind of question each.

``quality.py``: who is right, and by how much. ``steadiness.py``: how alike repeats are. ``speed.py``: how
long answers take. ``bars.py``: stacked bars. They know no page: ``ui/drawing.py`` puts them onto one, and
``svg.py`` makes pictures of them for files.
"""
