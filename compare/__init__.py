"""The bridge: trains both wings in step, logs both curves, and says if they agree."""
