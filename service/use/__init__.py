"""Use cases without HTTP: accept a report, enqueue it, count."""
