"""The web page: only this package and app.py import gradio."""
