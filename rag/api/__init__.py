"""Programming interfaces: HTTP routes, an OpenAI-compatible endpoint, tools for MCP clients, metrics."""
