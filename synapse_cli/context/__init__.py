"""The prompt: what the user gave, put together into messages."""
