"""Learn from outcomes who answers what well: training of `learned.predictor` (extra `tune`)."""
