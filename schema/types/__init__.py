"""What clients see: views over the domain's dataclasses."""
