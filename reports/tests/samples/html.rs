//! Pages as a test reads them.

/// A page without its escapes.
pub fn plain(html: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    pairs.iter().fold(html.to_string(), |text, (code, sign)| text.replace(code, sign))
}

/// The values of all attributes of that name.
pub fn values(html: &str, name: &str) -> Vec<String> {
    let start = format!(" {name}=\"");
    let parts = html.split(&start).skip(1);
    parts.filter_map(|rest| rest.split('"').next()).map(String::from).collect()
}
