"""Report: figures and tables of a campaign, all in one look."""
