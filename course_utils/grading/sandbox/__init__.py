"""Running a student's answers apart from everything else: in a process that can reach nothing and return only data."""
