"""The page: layout, wording and look. It shows what the pipeline says and decides nothing about items."""
