"""The textbook tables, measured: each study is fixed before it runs and ends in one of five outcomes."""
