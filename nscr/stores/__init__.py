"""Where bytes and rows are kept: small protocols and what implements them."""
