"""monitor: tells you before the AI API you paid for in advance stops answering."""

__version__ = "0.1.0"
