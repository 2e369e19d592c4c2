"""Grades nbgrader submissions in two rooms: the student's code in one, the tests in another."""
