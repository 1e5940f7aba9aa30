"""Diagnosis of a training: symptoms in its curves and predictions, with the remedies of the guide."""
