"""Networks and their trainings: the engines, the rate a loss gets, and the simple models beside them."""
