"""The log: layout, writer, reader, follower, recovery, verification, control track and reels.

What belongs here touches files and nothing else; what the bytes mean to a market stands in `core`.
"""
