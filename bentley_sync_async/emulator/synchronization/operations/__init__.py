"""The operations of the API: functions of what the emulator remembers and a request, that return an answer."""
