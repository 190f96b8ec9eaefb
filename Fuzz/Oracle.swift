import Text

/// Whether a text could neither forge a line nor move a cursor.
func isHarmless(_ text: Text) -> Bool { escaped(text.utf8) == text }
