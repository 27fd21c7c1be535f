"""The words: values, errors and ports that every folder shares. Standard library only."""
