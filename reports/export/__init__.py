"""Tables as files: workbook, CSV, attachments."""
