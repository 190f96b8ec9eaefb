import CFuzz
import Text

/// Whether a text could neither forge a line nor move a cursor.
func isHarmless(_ text: Text) -> Bool { escaped(text.utf8) == text }

/// Runs a reader of an input, and holds it to what it may take.
///
/// The contract is 8 MiB and four times the input. Of an input of at most 64 KiB that is nearly all constant, so a
/// reader that takes a hundred times its input would pass: here it is 64 KiB and eight times, since the standard
/// library's arrays double when they grow.
func withinBudget<Value>(_ count: Int, _ body: () -> Value) -> Value {
  fuzz_begin_count()
  let value = body()
  precondition(fuzz_peak() <= (64 << 10) + 8 * count, "more memory than the input allows")
  return value
}
