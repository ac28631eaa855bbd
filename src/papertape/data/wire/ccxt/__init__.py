"""What ccxt's unified structures mean: markets as instruments, its errors as ours. Nothing here imports ccxt."""
