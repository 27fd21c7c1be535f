"""The proof: training, datasets, grading and benches."""
