"""For those who teach: the students' edition of the course. Not part of that edition."""
