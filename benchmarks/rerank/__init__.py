"""Whether the model's vote puts what fits a wish first: judged wishes over the shipped catalogue."""
