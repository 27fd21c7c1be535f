"""Proofs from the outside: real processes, real files, real sockets, and what a shell would see."""
