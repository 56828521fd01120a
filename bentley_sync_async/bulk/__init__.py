"""Many connections, each run once: plan, trigger, follow, remember, report."""
