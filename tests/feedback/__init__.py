"""What people say of answers, what dearer tiers say, and what is learned from both."""
