"""The Celery shell: a task takes report ids, and may run twice."""
