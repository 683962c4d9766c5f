"""A CSV file as a lesson: reading it, its columns as numbers, a network to learn it.

Needs pandas: the extra `csv`.
"""
