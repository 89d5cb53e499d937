"""Figures of reports, computed from tasks and from the log of events, in SQL.

What is reported on are the tasks that lie in the given projects now and are not deleted. What a task was at an instant follows
from the log: its status is the one before its first change of status after that instant, or that of now where there is none. So
history that was trimmed, or that never was (an imported task), only makes a figure coarser.
"""
