"""Lessons made of anyone's table: a perceptron or a multi-layer perceptron on it.

From the text of a CSV file to numbers, to examples, to a lesson with its claim.
"""
