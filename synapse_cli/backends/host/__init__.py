"""Backends in processes of their own, which stay warm: a crash costs one request, and loading is paid once."""
