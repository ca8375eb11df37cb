//! The impact as one page: no script, nothing from elsewhere, and it prints.

use std::collections::BTreeMap;
use std::fmt;

use crate::app::impact::Changes;
use crate::app::impact::Example;
use crate::app::impact::Group;
use crate::app::impact::ImpactReport;
use crate::workbench::impact::left_out;
use crate::workbench::impact::looked_at;
use crate::workbench::impact::tried;

const STYLE: &str = "\
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem } dt { font-weight: 600 } dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% } caption { text-align: left; padding-bottom: .5rem }
th, td { border-bottom: 1px solid #bbb; padding: .3rem .6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
thead { display: table-header-group } tr { break-inside: avoid } a { color: #0b4f8a }
@media print { body { margin: 0; max-width: none; font-size: 11pt } h2 { break-after: avoid } a { color: inherit } }";

/// Text between tags or in an attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

/// The whole page.
pub fn page(report: &ImpactReport) -> String {
    let mut body = summary(report);
    body.push_str(&changes_table(&report.changes));
    body.push_str(&groups("By category", "Category", &report.categories));
    body.push_str(&groups("By partner", "Partner", &report.partners));
    body.push_str(&groups("By policy", "Policy", &report.policies));
    body.push_str(&otherwise(&report.otherwise));
    body.push_str(&examples(&report.examples));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Impact: {} of {} requests would change</title>\n<style>\n{STYLE}\n</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        report.changed_decisions, report.decisions
    )
}

fn summary(report: &ImpactReport) -> String {
    let left_out = left_out(report);
    let left_out = left_out.map_or_else(String::new, |text| {
        format!("<dt>Left out</dt><dd>{}</dd>\n", Escaped(&text))
    });
    format!(
        "<h1>What would change</h1>\n<dl>\n<dt>Tried</dt><dd>{}</dd>\n<dt>On requests</dt><dd>{}</dd>\n\
         <dt>Requests</dt><dd>{} of {} would come out otherwise</dd>\n\
         <dt>Items</dt><dd>{} of {} would come out otherwise</dd>\n{left_out}</dl>\n",
        Escaped(&tried(report)),
        Escaped(&looked_at(&report.selection)),
        report.changed_decisions,
        report.decisions,
        report.changed_items,
        report.items
    )
}

fn changes_table(changes: &Changes) -> String {
    let rows = changes.iter().map(|(transition, items)| {
        format!(
            "<tr><td>{}</td><td>{}</td><td class=\"number\">{items}</td></tr>\n",
            transition.from, transition.to
        )
    });
    let rows: String = rows.collect();
    if rows.is_empty() {
        return "<p>Nothing would come out otherwise.</p>\n".to_owned();
    }
    format!(
        "<h2>From what to what</h2>\n<table>\n<thead><tr><th scope=\"col\">Came out</th>\
         <th scope=\"col\">Would come out</th><th scope=\"col\" class=\"number\">Items</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// Those in which something changes.
fn groups(title: &str, what: &str, groups: &BTreeMap<String, Group>) -> String {
    let changed = groups.iter().filter(|(_, group)| group.changed > 0);
    let rows = changed.map(|(name, group)| {
        let ways = group.changes.iter().map(|(transition, items)| {
            format!("{items} from {} to {}", transition.from, transition.to)
        });
        let ways: Vec<String> = ways.collect();
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td><td>{}</td></tr>\n",
            Escaped(name),
            group.changed,
            group.items,
            ways.join("<br>")
        )
    });
    let rows: String = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<h2>{title}</h2>\n<table>\n<thead><tr><th scope=\"col\">{what}</th>\
         <th scope=\"col\" class=\"number\">Changed</th><th scope=\"col\" class=\"number\">Of</th>\
         <th scope=\"col\">How</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

fn otherwise(members: &BTreeMap<String, u64>) -> String {
    let rows = members.iter().map(|(member, items)| {
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{items}</td></tr>\n",
            Escaped(member)
        )
    });
    let rows: String = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<h2>The same outcome, and otherwise different</h2>\n<table>\n<thead><tr><th scope=\"col\">In</th>\
         <th scope=\"col\" class=\"number\">Items</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

fn examples(examples: &[Example]) -> String {
    let rows = examples.iter().map(|example| {
        let request = example.request_id.to_string();
        format!(
            "<tr><td class=\"number\">{}</td><td><a href=\"{}\">{}</a>, item {}</td><td>{}</td>\
             <td>{}<br>{}</td><td>{} to {}</td><td>{}</td><td>{}</td></tr>\n",
            example.index,
            Escaped(&example.href),
            Escaped(&request),
            example.item,
            example.recorded_at,
            Escaped(example.operation.as_str()),
            Escaped(example.partner.as_str()),
            example.from,
            example.to,
            names(&example.policies_then),
            names(&example.policies_now)
        )
    });
    let rows: String = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<h2>Examples</h2>\n<table>\n<caption>The first of each way, in the order of the log.</caption>\n\
         <thead><tr><th scope=\"col\" class=\"number\">Entry</th><th scope=\"col\">Request</th>\
         <th scope=\"col\">Recorded</th><th scope=\"col\">What</th><th scope=\"col\">Change</th>\
         <th scope=\"col\">Policies then</th><th scope=\"col\">Policies now</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n"
    )
}

fn names(policies: &[String]) -> String {
    if policies.is_empty() {
        return "no policy".to_owned();
    }
    let names = policies.iter().map(|name| Escaped(name).to_string());
    names.collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::app::impact::Group;
    use crate::app::impact::ImpactReport;

    #[test]
    fn nothing_that_is_said_becomes_markup() {
        let mut report = ImpactReport::default();
        report.selection.category = Some("<script>alert('1')</script>".to_owned());
        let group = Group {
            items: 1,
            changed: 1,
            ..Group::default()
        };
        let name = "\"><img src=x onerror=y>&".to_owned();
        report.policies.insert(name.clone(), group.clone());
        report.categories.insert(name, group);
        report.otherwise.insert("<b>".to_owned(), 1);
        let page = page(&report);
        for markup in ["<script", "<img", "<b>", "onerror=y>"] {
            assert!(!page.contains(markup), "{markup}: {page}");
        }
        assert_eq!(
            page.matches("&quot;&gt;&lt;img src=x onerror=y&gt;&amp;")
                .count(),
            2
        );
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)"));
    }

    #[test]
    fn a_page_stands_for_itself() {
        let page = page(&ImpactReport::default());
        assert!(page.starts_with("<!DOCTYPE html>"));
        assert!(page.contains("@media print"));
        assert!(page.contains("Nothing would come out otherwise."));
        for elsewhere in [
            "<script", "<link", "<img", "http:", "https:", "@import", "url(",
        ] {
            assert!(!page.contains(elsewhere), "{elsewhere}");
        }
    }
}
