"""Imports files: reads and checks all of a file first, then writes all of it in one transaction.

Nothing is ever half-imported, and nothing has to be taken back: an import makes new projects, and everything that it writes is
committed together with the end of its job. A worker that dies leaves nothing but contents in the object storage that no row
names, which are swept. Ids derive from the job and from what a record is called in the file, so a second try writes the same.

Rejected: batches of their own transactions, hidden until the last one is done (what is left of one that failed would have to be
deleted, and rows that others point to never are); an event for each task (a hundred thousand notifications and changes at once:
there is one event for each project, which comes with everything in it, as one does that is restored).
"""
