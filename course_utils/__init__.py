"""The package behind the course: algorithms, scenes, the stepper and the exercises.

Importing it costs NumPy and nothing else. Each module names the chapter it belongs to.
"""

__version__ = "0.1.0"
