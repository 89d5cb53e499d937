"""What happens after a commit, measured: events a second, memory and delay of a worker."""
