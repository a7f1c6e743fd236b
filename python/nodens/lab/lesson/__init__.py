"""The lesson: 27 steps with what they show, the commands that show it, and whether it holds; figures before and after.

Steps are values (`chapters`), run by one shell as a learner would type them. Nothing is pretended: every output is a command's.
"""
