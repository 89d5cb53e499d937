"""A document: what a team writes together. Rules only; what it holds is `content`'s, where it is kept `persistence.documents`'."""
