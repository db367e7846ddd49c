"""The web service: takes reports in over HTTP and answers what became of them. Run by gunicorn, not installed."""
