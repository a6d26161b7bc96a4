"""The archive by the Model Context Protocol: tools, resources and prompts."""
