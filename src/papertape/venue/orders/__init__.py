"""Orders of clients in the box's own books: accounts, filters, what becomes of an order, and how the venue reports it."""
