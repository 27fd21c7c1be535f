"""Learn from judged answers which ones are good: training of `learned.scorer` (extra `tune`)."""
