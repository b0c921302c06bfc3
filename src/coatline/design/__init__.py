"""Design of experiments: which slurries and electrodes a campaign makes."""
