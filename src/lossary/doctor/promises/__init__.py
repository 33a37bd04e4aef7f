"""The promises, a file for each part of the contract; importing one adds its promises to the list."""
