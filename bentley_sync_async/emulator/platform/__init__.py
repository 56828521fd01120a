"""What all API products share: messages, routing, errors, paging, tokens, rate limits, faults, ids and the clock."""
