"""The doctor's promises, asked of other libraries' versions of the same losses; `make audit` writes docs/audit.md."""
