"""HTTP/1.1 connections with timeouts, and with limits on their number and memory."""
