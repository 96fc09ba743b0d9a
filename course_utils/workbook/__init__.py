"""The course to be worked on: a copy without solutions, which an update never takes from its reader.

Run it as ``python -m course_utils.workbook``.
"""
