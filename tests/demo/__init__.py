"""`make demo`: the main job, shown."""
