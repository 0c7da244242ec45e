"""Displays: pictures that keep the numbers they show. Matplotlib is imported when one is drawn."""
