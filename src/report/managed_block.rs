//! The part of a larger document that is ours: between two marks, everything else byte for byte as it was.

use crate::status_report::{BEGIN, END};

/// Replaces what is between the marks by `content`, in the line ends of the document.
///
/// # Errors
/// The marks are missing, occur more than once, or in the wrong order; the message shows what to add.
pub(crate) fn replace(document: &[u8], content: &str) -> Result<Vec<u8>, String> {
    let find = |mark: &str| -> Vec<usize> { memchr::memmem::find_iter(document, mark.as_bytes()).collect() };
    let (begin, end) = match (find(BEGIN).as_slice(), find(END).as_slice()) {
        ([begin], [end]) if begin < end => (*begin + BEGIN.len(), *end),
        ([], []) => {
            return Err(format!(
                "it has no block for the backlog; add these two lines where it belongs:\n{BEGIN}\n{END}"
            ));
        }
        ([_], []) => return Err(format!("the end of the block is missing; add this line after its begin:\n{END}")),
        ([], [_]) => return Err(format!("the begin of the block is missing; add this line before its end:\n{BEGIN}")),
        ([_], [_]) => return Err(format!("the end of the block is before its begin; swap {BEGIN} and {END}")),
        _ => return Err(format!("it has more than one block for the backlog; keep one pair of {BEGIN} and {END}")),
    };
    let line_end = if document[begin..].starts_with(b"\r\n") { "\r\n" } else { "\n" };
    let mut block = String::from(line_end);
    for line in content.trim_end().lines() {
        block.push_str(line);
        block.push_str(line_end);
    }
    Ok([&document[..begin], block.as_bytes(), &document[end..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_changes() {
        for (before, expect) in [
            (
                "a\n<!-- emp-ops:begin -->\nold\n<!-- emp-ops:end -->\nz",
                "a\n<!-- emp-ops:begin -->\nnew\n<!-- emp-ops:end -->\nz",
            ),
            ("<!-- emp-ops:begin --><!-- emp-ops:end -->", "<!-- emp-ops:begin -->\nnew\n<!-- emp-ops:end -->"),
            (
                "a\r\n<!-- emp-ops:begin -->\r\n<!-- emp-ops:end -->\r\n",
                "a\r\n<!-- emp-ops:begin -->\r\nnew\r\n<!-- emp-ops:end -->\r\n",
            ),
        ] {
            let after = replace(before.as_bytes(), "new\n").expect("one block");
            assert_eq!(String::from_utf8_lossy(&after), expect);
        }
        let other =
            [b"\xff\x00 bytes that are no text ".as_slice(), BEGIN.as_bytes(), END.as_bytes(), b"\xfe"].concat();
        let after = replace(&other, "new").expect("one block");
        assert!(after.starts_with(b"\xff\x00 bytes") && after.ends_with(b"\xfe"));
    }

    #[test]
    fn a_missing_block_is_an_error_that_shows_what_to_add() {
        for (text, hint) in [
            ("no marks", "add these two lines"),
            ("<!-- emp-ops:begin -->", "add this line after"),
            ("<!-- emp-ops:end -->", "add this line before"),
            ("<!-- emp-ops:end --> <!-- emp-ops:begin -->", "swap"),
            ("<!-- emp-ops:begin --><!-- emp-ops:begin --><!-- emp-ops:end -->", "keep one pair"),
        ] {
            assert!(replace(text.as_bytes(), "new").expect_err(text).contains(hint), "{text}");
        }
    }
}
