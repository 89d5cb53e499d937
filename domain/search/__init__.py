"""What a search means: words of texts and queries, corrections of typing errors, ranks and highlights."""
