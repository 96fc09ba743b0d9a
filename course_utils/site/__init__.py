"""Pages that show the course without a kernel."""
