"""Defaults that the command line, notebooks and `RunConfig` share; imports nothing."""

CHECK_EVERY = 32
"""The one-step check runs at least once in so many steps."""
