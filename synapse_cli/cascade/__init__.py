"""The climb: tiers from cheap to dear until an answer passes."""
