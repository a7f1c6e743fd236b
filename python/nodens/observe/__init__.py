"""State -> what others see: metrics, health, logs. Never changes anything."""
