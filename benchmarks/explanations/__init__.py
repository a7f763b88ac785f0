"""What is said of recommended items: how much of it is true, personal, varied, and by whom it was written."""
