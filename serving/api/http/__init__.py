"""HTTP/1.1 connections, with limits on their number, their memory and their time."""
