"""Conversations: their storage on this machine, and what a follow-up question means."""
