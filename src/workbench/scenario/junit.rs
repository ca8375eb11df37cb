//! A report in the XML that continuous integration reads as that of `JUnit`.

use std::fmt::Write;

use crate::workbench::scenario::suite::Report;

/// The report as one test suite.
pub fn junit(report: &Report) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"comity\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\">\n",
        report.scenarios.len(),
        report.failures()
    );
    for ran in &report.scenarios {
        let (group, name) = ran.name.rsplit_once('/').unwrap_or(("", &ran.name));
        let class = format!("scenarios {group}")
            .trim_end()
            .replace([' ', '/'], ".");
        let attributes = format!(
            "classname=\"{}\" name=\"{}\" file=\"{}\"",
            escaped(&class),
            escaped(name),
            escaped(&ran.file.to_string_lossy())
        );
        // Writing to a string does not fail.
        let _written = if ran.passed() {
            writeln!(xml, "    <testcase {attributes}/>")
        } else {
            let details = ran.differences.join("\n");
            writeln!(
                xml,
                "    <testcase {attributes}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                escaped(&ran.about),
                escaped(&details)
            )
        };
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// Text for an attribute or element; characters that XML cannot hold become question marks.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            control if control.is_control() || "\u{fffe}\u{ffff}".contains(control) => {
                escaped.push('?');
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_breaks_out_of_a_text() {
        assert_eq!(
            escaped("<a b=\"&\">\u{0}\n"),
            "&lt;a b=&quot;&amp;&quot;&gt;?&#10;"
        );
    }
}
