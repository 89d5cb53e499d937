"""Writes all rows and all blobs of an installation into a folder, as of one instant, and reads them back."""
