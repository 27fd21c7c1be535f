"""What did a provider say? One module a wire format, written from the providers' own references."""
