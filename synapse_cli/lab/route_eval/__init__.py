"""How well is the route chosen? A router against labels."""
