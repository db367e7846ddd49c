"""Why a report has no other level: which rules were near, and which answers would have changed it."""
