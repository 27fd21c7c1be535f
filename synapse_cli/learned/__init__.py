"""What was learned from data: predictors, bounds, and the files they are kept in."""
