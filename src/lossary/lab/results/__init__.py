"""From the ledger to what a comparison found: nothing is trained here."""
