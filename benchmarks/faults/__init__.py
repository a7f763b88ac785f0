"""What becomes of answers, events and conversations when parts fail: every fault is injected into the real thing."""
