"""Showing: the page. Only this room knows gradio."""
