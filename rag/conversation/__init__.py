"""What was asked and answered: conversations that stay on this machine, and how they are handed on."""
