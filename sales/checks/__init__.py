"""What is doubtful or impossible in a month's tables. Contracts raise; checks report."""
