"""Exercises: one definition each, used by the check cell, by graders and by the tests."""
