"""Stores documents as JSON objects in object storage, addressed by id, with an index in Postgres that can be rebuilt from them.

Two collections, as in a document database: `documents` (`documents/{id}/document.json`) and `document_versions`
(`documents/{id}/versions/{number}.json`). The contents of a version are beside them as immutable blobs that are named by their
SHA-256 (`documents/{id}/contents/{sha256}`). Edits since the newest version are in the log (`persistence.events.document_log`).

A write holds the row of its document, puts the objects by compare-and-swap, and then commits index row and event together.
Whatever is cut off in between leaves an object that no row names, or one that is ahead of its row: it was acknowledged to nobody,
the next write replaces it, and the cleanup deletes what is left. The row is held while objects are written, because two writers
that only compared and swapped could let the slower one's object stand while the other's row was acknowledged; so storage is given
little time then, and few operations may wait for it at once: the others keep their connections to Postgres. Rejected: rows as the
record and objects as copies made later (a copy that lags is no backup), objects alone (lists and rights would read them all).
"""
