"""The forms in which tasks and documents leave and enter as files; pure, a row at a time.

An exported file is JSON Lines (`records`), a table (`task_table`) or Markdown with front matter (`markdown_file`).
"""
