"""Campaigns: typed configuration, and what concerns a campaign as a whole."""
