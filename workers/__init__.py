"""The Celery shell: tasks take report ids, and may run twice."""
