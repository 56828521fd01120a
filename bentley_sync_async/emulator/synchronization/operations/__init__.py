"""The operations: functions that take the store and a request and return an answer."""
