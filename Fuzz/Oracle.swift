import CFuzz
import Text

/// Whether a text can neither forge a line nor move a cursor.
func isHarmless(_ text: Text) -> Bool { escaped(text.utf8) == text }

/// Runs a reader on an input and checks its memory use.
///
/// The contract is 8 MiB plus four times the input. For an input of at most 64 KiB that is nearly constant, so a reader
/// that takes a hundred times its input would pass. Here the limit is 64 KiB plus eight times the input, because the
/// standard library's arrays double when they grow.
func withinBudget<Value>(_ count: Int, _ body: () -> Value) -> Value {
  fuzz_begin_count()
  let value = body()
  precondition(fuzz_peak() <= (64 << 10) + 8 * count, "more memory than the input allows")
  return value
}
