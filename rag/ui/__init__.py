"""Showing: the page. Only this room and app.py know gradio."""
