"""What was typed: one thin file per command."""
