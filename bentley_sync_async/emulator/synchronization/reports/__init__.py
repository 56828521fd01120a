"""Diagnostic reports: their content, and the signed URLs behind which it is."""
