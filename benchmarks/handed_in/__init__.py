"""Notebooks as students hand them in: honest ones in many styles, and ones that mean harm. No points may be lost or gained."""
