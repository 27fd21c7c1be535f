"""The limiter and the spread of load, over real processes."""
