"""Fine-tuning of the model's vote."""
