"""Measures whether what clients ask costs more in a large team than in a small one."""
