"""Reads files of tasks and documents into the records of an export (`domain.transfer.records`); pure, in worker processes.

Whatever the form of a file, what is read of it are the same records, and one function checks them (`check`): so an import has one
set of rules. A record that cannot be accepted is an issue with its row.
"""
