"""What can be learned of a route's answers, and how sure must the learner be? Needs the extra `tune`."""
