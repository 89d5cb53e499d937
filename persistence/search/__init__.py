"""Search: the index in Postgres, which is written with the objects, and the statements that find candidates in it."""
