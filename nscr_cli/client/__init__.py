"""A registry as its clients see it: one method an exchange, operations made of them, and what their answers mean."""
