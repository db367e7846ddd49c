"""Bootstrap: the Flask app and its gunicorn settings."""
