"""Which of many labels belong, when several can."""
