"""How well the recommender serves groups of people, and which items it shows: ``python app.py audit``."""
