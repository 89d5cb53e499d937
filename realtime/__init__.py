"""While people watch: what was committed reaches everybody who listens, in order and complete."""
