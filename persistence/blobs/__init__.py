"""The stores of blobs: a folder of this machine, or a bucket of S3. What they promise stands in `domain.blob`."""
