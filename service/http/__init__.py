"""HTTP concerns of every call: API keys, rate limits, decoding, headers, problems."""
