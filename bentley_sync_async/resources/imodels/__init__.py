"""The iModels API: iModels, their changesets and named versions."""
