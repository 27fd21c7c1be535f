"""The verdict: rules that an answer must pass to be accepted."""
