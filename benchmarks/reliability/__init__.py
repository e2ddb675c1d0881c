"""Reliability as figures: `python -m benchmarks.reliability` kills runs, spoils files, fills disks, and counts losses.

figures.py   what a part found, kept and printed           kills.py     SIGKILL of runs and of batches
spoiling.py  mutations of texts and of binary files        rooms.py     full disks, folders that are read-only or taken
workers.py   processes with limits that judge files        numbers.py   NaN in the state of every stepper
judges.py    what is right for a spoilt case or run        hostile.py   content that means harm
"""
